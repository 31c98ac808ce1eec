"""Fan-out between nodes through Redis: one channel for each room, named after the storage's epoch, so that
two installations on one Redis do not meet.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from models.journal import Commit, Heard
from realtime.commit_message import BadMessage, heard_in, message_of
from realtime.redis_channels import LINGER, PROBE, RedisChannels

log = logging.getLogger("rollcall.fanout")


class FanoutRedis:
    """See the port. `epoch` is the storage's; all nodes of one storage meet, and no others."""

    def __init__(self, url: str, epoch: str, *, probe: float = PROBE, linger: float = LINGER) -> None:
        self._epoch = epoch
        # Not the node's name: two nodes that share one by mistake would not hear each other.
        self._sender = secrets.token_hex(8).encode()
        prefix = f"rollcall:{epoch}"
        self._prefix = f"{prefix}:room:"
        self._receive: Callable[[Commit | Heard], None] | None = None
        self._tell_missed: Callable[[str], None] | None = None
        self._channels = RedisChannels(
            url,
            prefix=prefix,
            received=self._received,
            missed=self._missed,
            probe=probe,
            linger=linger,
        )

    async def open(self, receive: Callable[[Commit | Heard], None], missed: Callable[[str], None]) -> None:
        """See the port. Returns at once; `healthy` says when others are heard."""
        self._receive, self._tell_missed = receive, missed
        self._channels.open()

    async def close(self) -> None:
        """See the port."""
        await self._channels.close()

    def publish(self, commit: Commit) -> None:
        """See the port."""
        self._channels.publish(self._prefix + commit.room, message_of(commit, self._sender))

    def join(self, room: str) -> None:
        """See the port."""
        self._channels.subscribe(self._prefix + room)

    def leave(self, room: str) -> None:
        """See the port. Redis goes on sending for some seconds, in case that somebody comes back."""
        self._channels.unsubscribe(self._prefix + room)

    @property
    def healthy(self) -> bool:
        """See the port."""
        return self._channels.healthy

    @property
    def dropped(self) -> int:
        """How many messages were not published since the start."""
        return self._channels.dropped

    def _received(self, channel: str, message: bytes) -> None:
        if message.startswith(self._sender) or self._receive is None:
            return
        room = channel.removeprefix(self._prefix)
        try:
            heard = heard_in(message)
        except BadMessage as bad:
            log.warning("a message about %s was dropped: %s", room, bad)
            return
        if (heard.room, heard.epoch) != (room, self._epoch):
            log.warning("a message about %s was dropped: it is about %s, %s", room, heard.room, heard.epoch)
            return
        self._receive(heard)

    def _missed(self, channel: str) -> None:
        if self._tell_missed is not None:
            self._tell_missed(channel.removeprefix(self._prefix))
