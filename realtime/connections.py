"""Who is connected to this node, and may stay: from being let in to being sent away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from models.actor import actor_of
from models.errors import Forbidden, RollcallError, Unauthenticated, Unavailable
from models.journal import ORG, Entry
from models.ports import Clock, SignedIn, StorageLost, Tokens
from models.session import DISABLED
from realtime.connection import Connection
from realtime.engine import EngineSocket
from realtime.follower import Followers
from realtime.own_pages import BY_COOKIE, Renewals
from realtime.server import SocketServer, event_packet

RETURNS = 2_000
"""Clients that a stopping server sends away in a second."""
FEW_RETURNS = 50
"""Clients that are sent away at once."""
LONGEST_SPREAD = 5.0
FINISH_LIMIT = 2.0
"""Seconds that a stopping server waits for the answers that a connection still expects."""

VERIFY_AGAIN_AFTER = 1.0
"""Seconds after which a storage that was lost is asked again who may stay."""

log = logging.getLogger("rollcall.connections")


class Connections:
    """The connections of a node. The room of each one's user is followed, and so is `org`; what is delivered
    there, and the end of the token, ends connections whose users are not who they were.
    """

    def __init__(
        self,
        *,
        server: SocketServer,
        tokens: Tokens,
        renewals: Renewals,
        clock: Clock,
        followers: Followers,
    ) -> None:
        self._server = server
        self._tokens = tokens
        self._renewals = renewals
        self._clock = clock
        self._followers = followers
        self._by_sid: dict[str, Connection] = {}
        self._of_user: dict[str, set[Connection]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self) -> None:
        """Follow `org`, where roles and accounts change. StorageLost."""
        await self._followers.follow(ORG)

    async def close(self) -> None:
        """Let nobody in any more, answer what is in flight, tell every client that the server restarts, and
        end its connection: one after the other, so that they do not all come back at once.
        """
        self._closed = True
        connections = list(self._by_sid.values())
        spread = min(LONGEST_SPREAD, len(connections) / RETURNS)
        for left in range(len(connections), 0, -1):
            self._own(self._finish(connections[-left]))
            if spread and left % FEW_RETURNS == 0:
                await asyncio.sleep(spread * FEW_RETURNS / len(connections))
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _finish(self, connection: Connection) -> None:
        """End a connection once its actions are answered."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_LIMIT):
                await connection.at_most_in_flight(0)
        self.end(connection, "restarting")

    def of(self, user_id: str) -> list[Connection]:
        """The user's connections."""
        return list(self._of_user.get(user_id, ()))

    # -- coming and going

    async def let_in(
        self, sid: str, socket: EngineSocket, token: object, *, by_cookie: bool = False
    ) -> Connection:
        """A connection of the user whose token it is. Unauthenticated, Unavailable, StorageLost."""
        if self._closed:
            raise Unavailable
        signed_in = await self._admit(token)
        connection = Connection(sid, socket, str(token), signed_in.actor, signed_in.expires_at)
        connection.by_cookie = by_cookie
        self._by_sid[sid] = connection
        self._of_user.setdefault(connection.actor.id, set()).add(connection)
        self._expire_later(connection)
        return connection

    async def _admit(self, token: object) -> SignedIn:
        """Follow the user's room, and verify then, again if something was delivered meanwhile: what was
        before is seen by that, on whatever node it happened, and what comes later finds the connection.
        """
        room = f"user:{self._tokens.user_of(token)}"
        follower = await self._followers.follow(room)
        try:
            while True:
                delivered = follower.delivered
                signed_in = await self._tokens.verify(token, anew=True)
                if self._closed:
                    raise Unavailable
                if follower.delivered == delivered:
                    return signed_in
        except BaseException:
            self._followers.release(room)
            raise

    async def renew(self, connection: Connection, token: object) -> None:
        """Let the user stay as long as this token is good. A connection by cookie cannot see the cookie's new
        token: it names `BY_COOKIE`, and stays as long as the newest token of its session is good.
        Unauthenticated, Forbidden, StorageLost.
        """
        if connection.by_cookie and token == BY_COOKIE:
            signed_in = await self._renewals.newest(connection.actor, anew=True)
            if signed_in.expires_at <= connection.expires_at:
                raise Unauthenticated("The cookie has no newer token than this connection: refresh it first.")
        else:
            signed_in = await self._tokens.verify(token, anew=True)
            if signed_in.actor.id != connection.actor.id:
                raise Forbidden("The token is another user's.")
            connection.token = str(token)
            connection.by_cookie = False
        connection.actor = signed_in.actor
        connection.expires_at = signed_in.expires_at
        self._expire_later(connection)

    def forget(self, sid: str) -> Connection | None:
        """A client is gone. Its connection, if it was let in."""
        connection = self._by_sid.pop(sid, None)
        if connection is None:
            return None
        connection.closing = True
        if connection.expiry is not None:
            connection.expiry.cancel()
        user_id = connection.actor.id
        self._of_user[user_id].discard(connection)
        if not self._of_user[user_id]:
            del self._of_user[user_id]
        self._followers.release(f"user:{user_id}")
        return connection

    def end(self, connection: Connection, code: str) -> None:
        """Say why, then end the connection."""
        if connection.closing:
            return
        connection.closing = True
        connection.socket.say(event_packet("closing", {"code": code}))
        self._own(self._server.close_connection(connection.sid, for_good=code != "restarting"))

    # -- who may stay

    def apply(self, room: str, entries: Sequence[Entry]) -> None:
        """End the connections of users and sessions that entries of a room end or change."""
        if room == ORG:
            for entry in entries:
                if entry.data["kind"] == "user":
                    self._user_changed(entry)
        elif room.startswith("user:"):
            for entry in entries:
                if entry.data["kind"] == "session" and entry.data.get("ended_at"):
                    self._session_ended(entry)

    def verify_again(self, room: str) -> None:
        """Entries of a room were left out: see whether those whom they may be about are still who they
        were.
        """
        if room == ORG:
            self._own(self._verify_all(list(self._by_sid.values())))
        elif room.startswith("user:"):
            self._own(self._verify_all(self.of(room.removeprefix("user:")), anew=True))

    def _user_changed(self, entry: Entry) -> None:
        for connection in self.of(entry.data["id"]):
            if entry.data.get("disabled") or entry.data.get("deleted"):
                self.end(connection, "disabled")
            elif set(actor_of(entry.data).roles) != set(connection.actor.roles):
                self.end(connection, "roles_changed")

    def _session_ended(self, entry: Entry) -> None:
        # Where the account was disabled, this may come before the entry of `org` that says so.
        code = "disabled" if entry.data["reason"] == DISABLED else "signed_out"
        for connection in self.of(entry.data["user_id"]):
            if connection.actor.session_id == entry.data["id"]:
                self.end(connection, code)

    async def _verify_all(self, connections: Sequence[Connection], *, anew: bool = False) -> None:
        """Verify these one after the other, with `anew` also that their sessions are open. Waits for a
        storage that is lost.
        """
        for connection in connections:
            while not connection.closing:
                try:
                    await self._verify(connection, anew=anew)
                    break
                except StorageLost as lost:
                    log.warning("connections are not verified again yet: %s", lost)
                    await asyncio.sleep(VERIFY_AGAIN_AFTER)

    async def _verify(self, connection: Connection, *, anew: bool) -> None:
        """End the connection of somebody who is not who they were. StorageLost."""
        try:
            if connection.by_cookie:
                # The token that it came with may have been renewed unseen.
                signed_in = await self._renewals.newest(connection.actor, anew=anew)
            else:
                signed_in = await self._tokens.verify(connection.token, anew=anew)
        except RollcallError:
            self.end(connection, "signed_out")
        else:
            if set(signed_in.actor.roles) != set(connection.actor.roles):
                self.end(connection, "roles_changed")

    def _expire_later(self, connection: Connection) -> None:
        if connection.expiry is not None:
            connection.expiry.cancel()
        left = max(0.0, connection.expires_at - self._clock.now().timestamp())
        loop = asyncio.get_running_loop()
        connection.expiry = loop.call_later(left, self.end, connection, "expired")

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
