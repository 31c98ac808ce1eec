"""The Socket.IO door: connections, their events, and their end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

import orjson

from handlers.core import Core
from handlers.dispatch.answers import failure, refusal
from handlers.dispatch.envelope import action_from, op_id_of
from models.action import Ack
from models.actor import actor_of
from models.clock import rfc3339
from models.errors import Forbidden, Invalid, RollcallError, TooLarge, Unavailable
from models.journal import ORG, Entry
from models.ports import Clock, SignedIn, StorageLost, Tokens
from models.session import DISABLED
from models.topic import parse_topic
from realtime.connection import Connection
from realtime.engine import EngineSocket
from realtime.follower import Followers
from realtime.presence import PresenceFeed
from realtime.push import Push
from realtime.server import Refused, SocketServer, ack_packet, event_packet
from realtime.subscriptions import Subscriptions, refused

IN_FLIGHT = 32
"""Actions of one connection that may be without an answer; the next one is read when one of them has it."""

RETURNS = 2_000
"""Clients that a stopping server sends away in a second."""
FEW_RETURNS = 50
"""Clients that are sent away at once."""
LONGEST_SPREAD = 5.0
FINISH_LIMIT = 2.0
"""Seconds that a stopping server waits for the answers that a connection still expects."""

TOPICS_PER_SUBSCRIBE = 200
TOPICS_IN_READY = 1_000
LONGEST_ANSWER = 1024 * 1024
"""Bytes of an answer to `subscribe`, from which on no further topic is taken into it."""
FULL_ANSWER = "This answer is full: subscribe to the topic in a request of its own."

log = logging.getLogger("rollcall.gateway")


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
        clock: Clock,
        push: Push,
        followers: Followers,
        presence: PresenceFeed,
        node: str,
        version: str,
    ) -> None:
        self._server = server
        self._core = core
        self._tokens = tokens
        self._clock = clock
        self._push = push
        self._followers = followers
        self._presence = presence
        self._subscriptions = Subscriptions(core, followers, push, presence)
        self._about = {"node": node, "version": version}
        self._connections: dict[str, Connection] = {}
        self._of_user: dict[str, set[Connection]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        server.receiver = self

    async def open(self) -> None:
        """Follow `org`, where roles and accounts change. StorageLost."""
        await self._followers.follow(ORG)

    async def close(self) -> None:
        """Answer what is in flight, tell every client that the server restarts, and end its connection: one
        after the other, so that they do not all come back at once.
        """
        self._closed = True
        connections = list(self._connections.values())
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
        self._end(connection, "restarting")

    def connections_of(self, user_id: str) -> list[Connection]:
        """The user's connections to this node."""
        return list(self._of_user.get(user_id, ()))

    # -- what the server calls

    async def connect(self, sid: str, socket: EngineSocket, auth: Any) -> Connection:
        """Let a client with a good token in. Refused with an error code."""
        if self._closed:
            raise Refused(Unavailable.code)
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            signed_in = await self._admit(token)
        except RollcallError as error:
            raise Refused(error.code) from None
        except StorageLost:
            raise Refused(Unavailable.code) from None
        connection = Connection(sid, socket, str(token), signed_in.actor, signed_in.expires_at)
        self._connections[sid] = connection
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
                if follower.delivered == delivered:
                    return signed_in
        except BaseException:
            self._followers.release(room)
            raise

    async def connected(self, client: Connection) -> None:
        """Greet a client whose connection stands."""
        connection = client
        actor = connection.actor
        try:
            topics = await self._core.topics.of(actor, limit=TOPICS_IN_READY)
        except StorageLost:
            self._end(connection, "restarting")
            return
        roles = [{"role": role, "scope": scope} for role, scope in actor.roles]
        ready = {
            "user": {"id": actor.id, "name": actor.name, "roles": roles},
            "topics": topics,
            "server": self._about,
            "time": rfc3339(self._clock.now()),
        }
        connection.socket.say(event_packet("ready", ready))

    def caught_up(self, client: Connection) -> None:
        """What was left out while the client lagged is to be read by it."""
        skipped, client.skipped = client.skipped, set()
        for topic in skipped:
            client.socket.say(event_packet("resync", {"topic": topic, "reason": "behind"}))

    async def disconnected(self, sid: str) -> None:
        """Forget a client that is gone. What it sent before is still decided."""
        connection = self._connections.pop(sid, None)
        if connection is None:
            return
        connection.closing = True
        if connection.expiry is not None:
            connection.expiry.cancel()
        others = self._of_user[connection.actor.id]
        others.discard(connection)
        if not others:
            del self._of_user[connection.actor.id]
        self._followers.release(f"user:{connection.actor.id}")
        await self._subscriptions.leave_all(connection)

    async def event(self, client: Connection, ack_id: int | None, name: Any, arguments: list[Any]) -> None:
        """Handle one event; every event with an ack id gets exactly one ack."""
        connection = client
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
        topics = _list_of(request, "topics", TOPICS_PER_SUBSCRIBE)
        replies: list[orjson.Fragment] = []
        joined = []
        size = 0
        try:
            for wanted in topics:
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
            if connection.sid not in self._connections:
                await self._subscriptions.leave_all(connection)

    async def _answer(self, connection: Connection, name: Any, request: Any) -> dict[str, Any]:
        match name:
            case "unsubscribe":
                for topic in _list_of(request, "topics", TOPICS_PER_SUBSCRIBE):
                    if not isinstance(topic, str):
                        raise Invalid.field("topics", "must be a list of topic names")
                    await self._subscriptions.unsubscribe(connection, topic)
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
        signed_in = await self._tokens.verify(token, anew=True)
        if signed_in.actor.id != connection.actor.id:
            raise Forbidden("The token is another user's.")
        connection.token = str(token)
        connection.actor = signed_in.actor
        connection.expires_at = signed_in.expires_at
        self._expire_later(connection)
        return {"ok": True, "expires_at": signed_in.expires_at}

    # -- what rooms deliver

    def entries(self, room: str, entries: Sequence[Entry]) -> None:
        """The next entries of a followed room: push them, and act on what they say about users and
        sessions.
        """
        self._push.deliver(entries)
        if room == ORG:
            self._core.org.apply(entries)
            for entry in entries:
                if entry.data["kind"] == "user":
                    self._user_changed(entry)
        elif room.startswith("user:"):
            for entry in entries:
                if entry.data["kind"] == "session" and entry.data.get("ended_at"):
                    self._session_ended(entry)

    def skipped(self, room: str, seq: int, reason: str) -> None:
        """Entries were left out: members of the room's topics must subscribe again."""
        for topic in self._push.topics_in(room):
            self._push.tell(topic, event_packet("resync", {"topic": topic, "reason": reason}))
            self._push.move_on(topic, seq)
        if room == ORG:
            self._core.org.forget()
            self._own(self._verify_again(list(self._connections.values())))
        elif room.startswith("user:"):
            self._own(self._verify_again(self.connections_of(room.removeprefix("user:")), anew=True))

    async def _verify_again(self, connections: Sequence[Connection], *, anew: bool = False) -> None:
        """What changed for these users was not delivered: look whether they are still who they were; with
        `anew`, also whether their sessions are still open.
        """
        for connection in connections:
            try:
                signed_in = await self._tokens.verify(connection.token, anew=anew)
            except RollcallError:
                self._end(connection, "signed_out")
            except StorageLost as lost:
                log.warning("connections were not verified again: %s", lost)
                return
            else:
                if set(signed_in.actor.roles) != set(connection.actor.roles):
                    self._end(connection, "roles_changed")

    def _user_changed(self, entry: Entry) -> None:
        for connection in self.connections_of(entry.data["id"]):
            if entry.data.get("disabled") or entry.data.get("deleted"):
                self._end(connection, "disabled")
            elif set(actor_of(entry.data).roles) != set(connection.actor.roles):
                self._end(connection, "roles_changed")

    def _session_ended(self, entry: Entry) -> None:
        # Where the account was disabled, this may come before the entry of `org` that says so.
        code = "disabled" if entry.data["reason"] == DISABLED else "signed_out"
        for connection in self.connections_of(entry.data["user_id"]):
            if connection.actor.session_id == entry.data["id"]:
                self._end(connection, code)

    # -- ends

    def _expire_later(self, connection: Connection) -> None:
        if connection.expiry is not None:
            connection.expiry.cancel()
        left = max(0.0, connection.expires_at - self._clock.now().timestamp())
        loop = asyncio.get_running_loop()
        connection.expiry = loop.call_later(left, self._end, connection, "expired")

    def _end(self, connection: Connection, code: str) -> None:
        """Say why, then end the connection."""
        if connection.closing:
            return
        connection.closing = True
        connection.socket.say(event_packet("closing", {"code": code}))
        self._own(self._server.close_connection(connection.sid, for_good=code != "restarting"))

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
