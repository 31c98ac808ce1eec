"""The Socket.IO door: what clients send and get."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from handlers.core import Core
from handlers.dispatch.answers import failure, refusal
from handlers.dispatch.envelope import action_from, op_id_of
from models.action import Ack
from models.clock import rfc3339
from models.errors import Invalid, RollcallError, TooLarge, Unavailable
from models.journal import ORG, Entry
from models.ports import Clock, StorageLost, Tokens
from models.topic import parse_topic
from realtime.connection import Connection
from realtime.connections import Connections
from realtime.engine import EngineSocket
from realtime.follower import Followers
from realtime.own_pages import BY_COOKIE, Renewals, token_of_page
from realtime.presence import PresenceFeed
from realtime.push import Push
from realtime.server import Refused, SocketServer, ack_packet, event_packet
from realtime.subscriptions import Subscriptions, refused

IN_FLIGHT = 32
"""Actions of one connection that may be without an answer; the next one is read when one of them has it."""

TOPICS_PER_SUBSCRIBE = 200
TOPICS_IN_READY = 1_000
LONGEST_ANSWER = 1024 * 1024
"""Bytes of an answer to `subscribe`, from which on no further topic is taken into it."""
FULL_ANSWER = "This answer is full: subscribe to the topic in a request of its own."


class Gateway:
    """Handles what clients send, and delivers what happens in the rooms they follow.

    One connection's events are handled in the order they came. Its actions are pipelined within a room; an
    action for another room, and any other event, waits until those before it are answered.
    """

    def __init__(
        self,
        *,
        server: SocketServer,
        core: Core,
        tokens: Tokens,
        renewals: Renewals,
        clock: Clock,
        push: Push,
        followers: Followers,
        presence: PresenceFeed,
        node: str,
        version: str,
    ) -> None:
        self._core = core
        self._clock = clock
        self._push = push
        self._presence = presence
        self._connections = Connections(
            server=server, tokens=tokens, renewals=renewals, clock=clock, followers=followers
        )
        self._subscriptions = Subscriptions(core, followers, push, presence)
        self._about = {"node": node, "version": version}
        server.receiver = self

    async def open(self) -> None:
        """Begin to hear of what changes. StorageLost."""
        await self._connections.open()

    async def close(self) -> None:
        """Answer what is in flight, tell every client that the server restarts, and end its connection."""
        await self._connections.close()

    def connections_of(self, user_id: str) -> list[Connection]:
        """The user's connections to this node."""
        return self._connections.of(user_id)

    # -- what the server calls

    async def connect(self, sid: str, socket: EngineSocket, auth: Any) -> Connection:
        """Let a client with a good token in, itself or in a cookie of its request. Refused."""
        token = auth.get("token") if isinstance(auth, dict) else None
        by_cookie = token == BY_COOKIE
        try:
            if by_cookie:
                token = token_of_page(socket.request)
            return await self._connections.let_in(sid, socket, token, by_cookie=by_cookie)
        except RollcallError as error:
            raise Refused(error) from None
        except StorageLost:
            raise Refused(Unavailable()) from None

    async def connected(self, connection: Connection) -> None:
        """Greet a client whose connection stands."""
        actor = connection.actor
        try:
            topics = await self._core.topics.of(actor, limit=TOPICS_IN_READY)
        except StorageLost:
            self._connections.end(connection, "restarting")
            return
        roles = [{"role": role, "scope": scope} for role, scope in actor.roles]
        ready = {
            "user": {"id": actor.id, "name": actor.name, "roles": roles},
            "topics": topics,
            "server": self._about,
            "time": rfc3339(self._clock.now()),
        }
        connection.socket.say(event_packet("ready", ready))

    def caught_up(self, connection: Connection) -> None:
        """What was left out while the client lagged is to be read by it."""
        skipped, connection.skipped = connection.skipped, set()
        for topic in skipped:
            connection.socket.say(event_packet("resync", {"topic": topic, "reason": "behind"}))

    def disconnected(self, sid: str) -> None:
        """Forget a client that is gone. What it sent before is still decided."""
        connection = self._connections.forget(sid)
        if connection is not None:
            self._subscriptions.leave_all(connection)

    async def event(
        self, connection: Connection, ack_id: int | None, name: Any, arguments: list[Any]
    ) -> None:
        """Handle one event; every event with an ack id gets exactly one ack."""
        if connection.closing:
            return
        request = arguments[0] if arguments else None
        try:
            if name == "action":
                await self._action(connection, ack_id, request)
                return
            await connection.at_most_in_flight(0)
            if name == "subscribe":
                await self._subscribe(connection, ack_id, request)
                return
            self._ack(connection, ack_id, await self._answer(connection, name, request))
        except Exception as error:  # noqa: BLE001 - a door answers every error
            self._refuse(connection, ack_id, error, op_id_of(request), with_op=name == "action")

    # -- events

    async def _action(self, connection: Connection, ack_id: int | None, request: Any) -> None:
        action = action_from(request, connection.actor)
        prepared = await self._core.dispatcher.prepare(action)
        if connection.in_flight and connection.flight_room != prepared.room:
            await connection.at_most_in_flight(0)
        await connection.at_most_in_flight(IN_FLIGHT - 1)
        connection.flight_room = prepared.room
        answer = self._core.dispatcher.submit(prepared)
        connection.in_flight.add(answer)
        answer.add_done_callback(partial(self._answered, connection, ack_id, action.op_id))

    def _answered(
        self, connection: Connection, ack_id: int | None, op_id: Any, answer: asyncio.Future[Ack]
    ) -> None:
        connection.in_flight.discard(answer)
        if answer.cancelled():
            return
        error = answer.exception()
        if error is None:
            self._ack(connection, ack_id, answer.result().to_wire())
        else:
            self._refuse(connection, ack_id, error, op_id, with_op=True)

    async def _subscribe(self, connection: Connection, ack_id: int | None, request: Any) -> None:
        """Join topics and answer with them. For a client that has gone nothing more is joined."""
        topics = _list_of(request, "topics", TOPICS_PER_SUBSCRIBE)
        replies: list[orjson.Fragment] = []
        joined = []
        size = 0
        try:
            for wanted in topics:
                if connection.leaving:
                    return
                if size > LONGEST_ANSWER:
                    reply, topic = refused(wanted, TooLarge(FULL_ANSWER)), None
                else:
                    reply, topic = await self._subscriptions.subscribe(connection, wanted)
                text = orjson.dumps(reply)
                size += len(text)
                replies.append(orjson.Fragment(text))
                if topic is not None:
                    joined.append(topic)
            self._ack(connection, ack_id, {"ok": True, "topics": replies})
        finally:
            for topic in joined:
                self._push.release(connection, topic)
            if connection.leaving:
                self._subscriptions.leave_all(connection)

    async def _answer(self, connection: Connection, name: Any, request: Any) -> dict[str, Any]:
        match name:
            case "unsubscribe":
                for topic in _list_of(request, "topics", TOPICS_PER_SUBSCRIBE):
                    if not isinstance(topic, str):
                        raise Invalid.field("topics", "must be a list of topic names")
                    self._subscriptions.unsubscribe(connection, topic)
                return {"ok": True}
            case "presence":
                topic = parse_topic(request.get("topic") if isinstance(request, dict) else None)
                await self._core.access.topic(connection.actor, topic)
                return {"ok": True, **await self._presence.users(topic.name)}
            case "renew":
                return await self._renew(connection, request)
        raise Invalid(f"There is no event {str(name)[:64]!r}.")

    async def _renew(self, connection: Connection, request: Any) -> dict[str, Any]:
        token = request.get("token") if isinstance(request, dict) else None
        await self._connections.renew(connection, token)
        return {"ok": True, "expires_at": connection.expires_at}

    # -- what rooms deliver

    def entries(self, room: str, entries: Sequence[Entry]) -> None:
        """The next entries of a followed room: push them, and act on what they say about users and
        sessions.
        """
        self._push.deliver(entries)
        if room == ORG:
            self._core.org.apply(entries)
        self._connections.apply(room, entries)

    def skipped(self, room: str, seq: int, reason: str) -> None:
        """Entries were left out: members of the room's topics must subscribe again."""
        for topic in self._push.topics_in(room):
            self._push.tell(topic, event_packet("resync", {"topic": topic, "reason": reason}))
            self._push.move_on(topic, seq)
        if room == ORG:
            self._core.org.forget()
        self._connections.verify_again(room)

    # -- answers

    def _ack(self, connection: Connection, ack_id: int | None, data: dict[str, Any]) -> None:
        if ack_id is not None:
            connection.socket.say(ack_packet(ack_id, data))

    def _refuse(
        self,
        connection: Connection,
        ack_id: int | None,
        error: BaseException,
        op_id: object,
        *,
        with_op: bool,
    ) -> None:
        request_id = secrets.token_hex(8)
        _, body = refusal(error, op_id, request_id) if with_op else failure(error, request_id)
        self._ack(connection, ack_id, body)


def _list_of(request: Any, name: str, limit: int) -> list[Any]:
    if not isinstance(request, dict) or not isinstance(request.get(name), list):
        raise Invalid.field(name, "must be a list")
    if request.keys() != {name}:
        raise Invalid(f"Only {name} is allowed here.")
    if len(request[name]) > limit:
        raise Invalid.field(name, f"must have at most {limit} items")
    return list(request[name])
