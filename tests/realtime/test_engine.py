"""What is no packet ends the connection, and only that one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import (
    ClientSession,
    ClientWebSocketResponse,
    StreamReader,
    WSMsgType,
    WSServerHandshakeError,
    web,
)

from handlers.access import Access
from models.actor import Actor
from models.topic import Topic
from realtime import server
from realtime.frames import MAX_MESSAGE
from realtime.patrol import HARD
from realtime.server import event_packet
from tests.realtime.kit import DoorKit
from tests.school import School, marking
from tests.waiting import until

PATH = "/socket.io/?EIO=4&transport="
LIMIT = 10


@pytest.fixture
async def http(door: DoorKit) -> AsyncIterator[ClientSession]:
    async with ClientSession(door.url) as session:
        yield session


async def raw_client(
    door: DoorKit, school: School, http: ClientSession, actor: Actor | None = None
) -> ClientWebSocketResponse:
    """A bare WebSocket of the teacher that has connected to the namespace and taken the greeting."""
    socket = await http.ws_connect(PATH + "websocket")
    opening = await socket.receive_str(timeout=LIMIT)
    assert opening[0] == "0"
    token = await door.token(actor or school.teacher)
    await socket.send_str("40" + orjson.dumps({"token": token}).decode())
    assert (await socket.receive_str(timeout=LIMIT)).startswith("40")
    assert (await socket.receive_str(timeout=LIMIT)).startswith('42["ready"')
    return socket


async def ended(socket: ClientWebSocketResponse) -> None:
    """Wait until the server ends the connection."""
    async with asyncio.timeout(LIMIT):
        while (await socket.receive()).type not in (
            WSMsgType.CLOSE,
            WSMsgType.CLOSED,
            WSMsgType.CLOSING,
            WSMsgType.ERROR,
        ):
            pass


async def still_serves(door: DoorKit, school: School) -> None:
    """Another client is served as ever, and nothing of the ended one is left."""
    client = await door.client(school.teacher)
    assert (await client.act("attendance.mark", marking(), door.core.op_id()))["ok"]
    await until(lambda: len(door.gateway.connections_of(school.teacher.id)) == 1)
    await until(lambda: len(door.server.eio.sockets) == 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9",
        "x",
        "0",
        "1garbage{",
        "2",
        "4",
        "4x",
        "49",
        "42",
        "42{",
        '42{"a":1}',
        "42[",
        "42[]",
        "42null",
        "42[[[[[[",
        '451-["action",{"_placeholder":true,"num":0}]',
        '4599999999999-["action"]',
        "44",
        '44{"message":"x"}',
        "4/x,",
        "42" + "9" * 200 + '["action"]',
        "42" + "[" * 5000,
        '42["action",NaN]',
        '42["action","\\ud800"]',
        "b4AAAA",
        "b!!",
        "\x00",
        "٣",
        "²",
        '4²["x"]',
    ],
)
async def test_a_text_that_is_no_packet_ends_the_connection(
    door: DoorKit, school: School, http: ClientSession, text: str
) -> None:
    socket = await raw_client(door, school, http)
    await socket.send_str(text)
    await ended(socket)
    await socket.close()
    await still_serves(door, school)


async def test_a_binary_message_ends_the_connection(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await raw_client(door, school, http)
    await socket.send_bytes(b"\x04\x00\xff")
    await ended(socket)
    await socket.close()
    await still_serves(door, school)


async def test_a_message_over_the_limit_ends_the_connection(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await raw_client(door, school, http)
    await socket.send_str('42["action",{"payload":"' + "x" * MAX_MESSAGE + '"}]')
    await ended(socket)
    await socket.close()
    await still_serves(door, school)


async def test_a_broken_frame_ends_the_connection(door: DoorKit, school: School, http: ClientSession) -> None:
    socket = await raw_client(door, school, http)
    transport = socket.get_extra_info("socket")
    assert transport is not None
    loop = asyncio.get_running_loop()
    raw = transport.dup() if hasattr(transport, "dup") else transport
    raw.setblocking(False)
    await loop.sock_sendall(raw, b"\xff\xff\xff\xff garbage")
    raw.close()
    await ended(socket)
    await socket.close()
    await still_serves(door, school)


async def test_an_ack_nobody_asked_for_is_ignored(door: DoorKit, school: School, http: ClientSession) -> None:
    socket = await raw_client(door, school, http)
    await socket.send_str("437[1]")
    await socket.send_str('421["presence",{"topic":"class:s1-c1"}]')
    assert (await socket.receive_str(timeout=LIMIT)).startswith('431[{"ok":true')
    await socket.close()


async def test_an_event_without_ack_id_is_handled_without_answer(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await raw_client(door, school, http)
    action = {"type": "attendance.mark", "payload": marking(), "op_id": "quiet"}
    await socket.send_str("42" + orjson.dumps(["action", action]).decode())
    await until(lambda: any(entry.op_id == "quiet" for entry in door.core.entries("school:s1")))
    await socket.close()


async def test_a_deep_json_is_refused_and_the_connection_goes_on(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await raw_client(door, school, http)
    deep: Any = "[" * 200 + "]" * 200
    await socket.send_str(
        '421["action",{"type":"attendance.mark","op_id":"a","payload":{"class_id":' + deep + "}}]"
    )
    answer = await socket.receive_str(timeout=LIMIT)
    assert orjson.loads(answer[3:])[0]["error"]["code"] == "invalid"
    await socket.close()


@pytest.mark.parametrize("body", ["", "x", "4", "42[", "9", "\x1e", "42[]\x1e", "4" * 1000, "d=", "\udcff"])
async def test_a_post_that_makes_no_sense_ends_the_polling_connection(
    door: DoorKit, school: School, http: ClientSession, body: str
) -> None:
    opening = await (await http.get(PATH + "polling")).text()
    sid = orjson.loads(opening[1:])["sid"]
    answer = await http.post(f"{PATH}polling&sid={sid}", data=body.encode(errors="surrogateescape"))
    assert answer.status in (200, 400)
    if body:
        await until(lambda: sid not in door.server.eio.sockets or door.server.eio.sockets[sid].closed)
    again = await http.post(f"{PATH}polling&sid=nonsense", data="2")
    assert again.status == 400
    client = await door.client(school.teacher)
    assert (await client.act("attendance.mark", marking(), "good"))["ok"]


async def test_a_failed_upgrade_leaves_polling_usable(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    opening = await (await http.get(PATH + "polling")).text()
    sid = orjson.loads(opening[1:])["sid"]
    socket = await http.ws_connect(f"{PATH}websocket&sid={sid}")
    await socket.send_str("garbage")
    await ended(socket)
    await socket.close()
    token = orjson.dumps({"token": await door.token(school.teacher)}).decode()
    await http.post(f"{PATH}polling&sid={sid}", data="40" + token)
    text = await (await http.get(f"{PATH}polling&sid={sid}")).text()
    assert text.startswith("40")


async def polling_client(door: DoorKit, school: School, http: ClientSession) -> str:
    """The address of a polling connection that has connected to the namespace and taken the greeting."""
    opening = await (await http.get(PATH + "polling")).text()
    address = f"{PATH}polling&sid={orjson.loads(opening[1:])['sid']}"
    await http.post(address, data="40" + orjson.dumps({"token": await door.token(school.teacher)}).decode())
    greeting = ""
    while '42["ready"' not in greeting:
        greeting += await (await http.get(address)).text()
    return address


@pytest.mark.parametrize("headers", [{"Content-Length": "39"}, {}], ids=["with a length", "chunked"])
async def test_a_post_may_come_in_pieces(
    door: DoorKit,
    school: School,
    http: ClientSession,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = await polling_client(door, school, http)
    rest, first_read = asyncio.Event(), asyncio.Event()
    readany = StreamReader.readany

    async def noted(reader: StreamReader) -> bytes:
        chunk = await readany(reader)
        first_read.set()
        return chunk

    monkeypatch.setattr(StreamReader, "readany", noted)

    async def pieces() -> AsyncIterator[bytes]:
        yield b'421["presence",'
        await rest.wait()
        yield b'{"topic":"class:s1-c1"}]'

    posting = asyncio.create_task(http.post(address, data=pieces(), headers=headers))
    await asyncio.wait_for(first_read.wait(), LIMIT)
    rest.set()
    assert (await posting).status == 200
    assert (await (await http.get(address)).text()).startswith('431[{"ok":true')


async def test_a_post_as_large_as_a_message_may_be_is_read_whole(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    address = await polling_client(door, school, http)
    filling = "x" * (MAX_MESSAGE - 100)
    await http.post(address, data=f'421["presence",{{"topic":"{filling}"}}]')
    assert (await (await http.get(address)).text()).startswith('431[{"ok":false')


async def test_connecting_again_to_the_namespace_greets_nobody_twice(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await raw_client(door, school, http)
    await socket.send_str("40" + orjson.dumps({"token": await door.token(school.teacher)}).decode())
    assert (await socket.receive_str(timeout=LIMIT)).startswith("44")
    await socket.send_str('421["presence",{"topic":"class:s1-c1"}]')
    assert (await socket.receive_str(timeout=LIMIT)).startswith('431[{"ok":true')
    await socket.close()


async def test_only_one_of_two_upgrades_at_a_time_is_taken(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    address = (await polling_client(door, school, http)).replace("=polling", "=websocket")
    first = await http.ws_connect(address)
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(address)
    assert refused.value.status == 400
    await first.send_str("2probe")
    assert await first.receive_str(timeout=LIMIT) == "3probe"
    await first.send_str("5")
    await first.send_str('421["presence",{"topic":"class:s1-c1"}]')
    texts = [await first.receive_str(timeout=LIMIT), await first.receive_str(timeout=LIMIT)]
    assert texts[-1].startswith('431[{"ok":true')
    await first.close()


@pytest.mark.parametrize("last", ["1", '1\x1e40{"token":"x"}', "1\x1e40"])
async def test_a_polling_connection_that_says_goodbye_leaves_nothing_behind(
    door: DoorKit, http: ClientSession, last: str
) -> None:
    for _ in range(3):
        opening = await (await http.get(PATH + "polling")).text()
        await http.post(f"{PATH}polling&sid={orjson.loads(opening[1:])['sid']}", data=last)
    await until(lambda: not door.server.eio.sockets)
    assert door.server.environ == {}
    assert door.server.manager._sids == {}


async def test_a_polling_client_that_says_goodbye_while_it_subscribes_joins_nothing(
    door: DoorKit, school: School, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await polling_client(door, school, http)
    (connection,) = door.gateway.connections_of(school.teacher.id)
    asked, answer = asyncio.Event(), asyncio.Event()
    room_of = Access.topic

    async def slow(access: Access, actor: Actor, topic: Topic) -> str:
        asked.set()
        await answer.wait()
        return await room_of(access, actor, topic)

    monkeypatch.setattr(Access, "topic", slow)
    subscribe = '421["subscribe",{"topics":[{"topic":"class:s1-c1"}]}]'
    subscribing = asyncio.create_task(http.post(address, data=subscribe))
    await asked.wait()
    await http.post(address, data="1")
    answer.set()
    await subscribing
    assert door.push.topics_of(connection) == {}
    assert door.followers.followed() == ["org"]


async def test_a_poll_that_hangs_fetches_what_is_sent_last(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    address = await polling_client(door, school, http)
    (connection,) = door.gateway.connections_of(school.teacher.id)
    poll = asyncio.create_task(http.get(address))
    await until(lambda: connection.socket.queue._getters)
    connection.socket.say(event_packet("closing", {"code": "restarting"}))
    await connection.socket.close()
    assert '42["closing"' in await (await asyncio.wait_for(poll, LIMIT)).text()
    assert door.server.eio.sockets == {}


async def test_a_poll_that_hangs_ends_with_an_upgrade_whose_messages_come_together(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    address = await polling_client(door, school, http)
    poll = asyncio.create_task(http.get(address))
    (connection,) = door.gateway.connections_of(school.teacher.id)
    await until(lambda: connection.socket.queue._getters)
    socket = await http.ws_connect(address.replace("=polling", "=websocket"))
    await socket.send_str("2probe")
    await socket.send_str("5")
    assert await (await asyncio.wait_for(poll, LIMIT)).text() == "6"
    await socket.send_str('421["presence",{"topic":"class:s1-c1"}]')
    while not (text := await socket.receive_str(timeout=LIMIT)).startswith("431"):
        assert text in ("3probe", "6")
    await socket.close()


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_a_handshake_that_is_none_is_refused(
    door: DoorKit, http: ClientSession, connection: str
) -> None:
    headers = {"Upgrade": "websocket", "Connection": connection, "Sec-WebSocket-Version": "13"}
    answer = await http.get(PATH + "websocket", headers=headers)
    assert answer.status == 400
    assert (await answer.json())["error"]["code"] == "invalid"
    assert door.server.eio.sockets == {}
    assert door.server.environ == {}


async def test_a_transport_whose_user_has_left_is_cut_unless_somebody_signs_in(
    door: DoorKit, school: School, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await raw_client(door, school, http)
    monkeypatch.setattr(server, "CONNECT_LIMIT", 0.05)
    await socket.send_str("41")
    await ended(socket)
    await until(lambda: not door.server.eio.sockets)
    await socket.close()


@pytest.mark.parametrize("said", [[], ["2probe"]])
async def test_a_connection_that_ends_in_the_middle_of_an_upgrade_leaves_nothing_behind(
    door: DoorKit, school: School, http: ClientSession, said: list[str]
) -> None:
    address = (await polling_client(door, school, http)).replace("=polling", "=websocket")
    socket = await http.ws_connect(address)
    for text in said:
        await socket.send_str(text)
        assert await socket.receive_str(timeout=LIMIT) == "3probe"
    (connection,) = door.server.eio.sockets.values()
    await asyncio.wait_for(connection.close(), LIMIT)
    await ended(socket)
    await asyncio.wait_for(door.server.eio.shutdown(), LIMIT)
    await socket.close()


async def test_the_size_of_what_waits_for_a_client_is_bounded(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    await polling_client(door, school, http)
    (connection,) = door.gateway.connections_of(school.teacher.id)
    piece = b"4" + b"x" * 2**16
    sent = 0
    while connection.socket.say(piece):
        sent += 1
        assert connection.socket.waiting <= HARD + len(piece)
    assert sent * len(piece) >= HARD
    await until(lambda: not door.gateway.connections_of(school.teacher.id))


async def test_an_old_protocol_version_is_refused(door: DoorKit, http: ClientSession) -> None:
    assert (await http.get("/socket.io/?EIO=3&transport=polling")).status == 400
    assert (await http.get("/socket.io/?EIO=4&transport=pigeon")).status == 400
    assert (await http.get("/socket.io/")).status == 400


async def test_messages_are_not_compressed(door: DoorKit, http: ClientSession) -> None:
    async with http.ws_connect(PATH + "websocket", compress=15) as socket:
        assert socket.compress == 0


async def test_a_polling_client_that_does_not_poll_is_cut_and_delays_nobody(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    opening = await (await http.get(PATH + "polling")).text()
    sid = orjson.loads(opening[1:])["sid"]
    token = orjson.dumps({"token": await door.token(school.viewer)}).decode()
    await http.post(f"{PATH}polling&sid={sid}", data="40" + token)
    await flood(door, school)


async def test_a_client_that_does_not_read_is_told_cut_and_delays_nobody(
    door: DoorKit, school: School, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.websocket.CLOSE_LIMIT", 0.5)
    socket = await raw_client(door, school, http, school.viewer)
    connection = socket._response.connection
    assert connection is not None
    transport = connection.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    await flood(door, school)
    await until(lambda: len(door.server.eio.sockets) == 1)
    transport.resume_reading()
    texts = []
    async with asyncio.timeout(LIMIT):
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            texts.append(message.data)
    assert texts
    await socket.close()


async def flood(door: DoorKit, school: School) -> None:
    """Send the viewer's only connection more than may wait for it; it is cut, and another client is
    served."""
    await until(lambda: bool(door.gateway.connections_of(school.viewer.id)))
    (connection,) = door.gateway.connections_of(school.viewer.id)
    packet = event_packet("resync", {"topic": "school:s1", "reason": "x" * 2_000})
    while connection.socket.say(packet):
        pass
    await until(lambda: not door.gateway.connections_of(school.viewer.id))
    client = await door.client(school.teacher)
    assert (await client.act("attendance.mark", marking(), "good"))["ok"]


async def test_a_client_that_is_cut_is_told_so_where_it_reads_again(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await raw_client(door, school, http, school.viewer)
    await flood(door, school)
    texts = []
    async with asyncio.timeout(LIMIT):
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            texts.append(message.data)
    assert texts[-1] == '42["closing",{"code":"too_slow"}]'
    await socket.close()


async def test_the_door_is_at_its_own_path_only(door: DoorKit, http: ClientSession) -> None:
    assert (await http.get("/engine.io/?EIO=4&transport=polling")).status == web.HTTPNotFound.status_code
