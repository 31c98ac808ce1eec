"""A client that does not take what it is sent: what waits for it is bounded, and it delays nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from realtime import patrol
from realtime.connection import Connection
from realtime.frames import frame
from realtime.patrol import HARD, SOFT
from realtime.server import event_packet
from tests.realtime.kit import DoorKit
from tests.realtime.test_engine import LIMIT, raw_client
from tests.school import School, marking
from tests.waiting import until

FILLER = event_packet("filler", "x" * 10_000)


@pytest.fixture
async def http(door: DoorKit) -> AsyncIterator[ClientSession]:
    async with ClientSession(door.url) as session:
        yield session


async def reader(door: DoorKit, school: School, http: ClientSession) -> ClientWebSocketResponse:
    """A bare client of the viewer that has subscribed to the school and stops reading."""
    socket = await raw_client(door, school, http, school.viewer)
    await socket.send_str('420["subscribe",{"topics":[{"topic":"school:s1"}]}]')
    assert (await socket.receive_str(timeout=LIMIT)).startswith("430")
    transport_of(socket).pause_reading()
    return socket


def transport_of(socket: ClientWebSocketResponse) -> asyncio.Transport:
    connection = socket._response.connection
    assert connection is not None
    transport = connection.transport
    assert isinstance(transport, asyncio.Transport)
    return transport


def viewer_of(door: DoorKit, school: School) -> Connection:
    (connection,) = door.gateway.connections_of(school.viewer.id)
    return connection


def fill(connection: Connection, most: int) -> None:
    """Push until so many bytes wait."""
    while connection.socket.waiting <= most and connection.socket.push(frame(FILLER), [FILLER]):
        pass


async def texts_until(socket: ClientWebSocketResponse, beginning: str) -> list[str]:
    """What comes up to the first text that begins so."""
    texts = [""]
    async with asyncio.timeout(LIMIT):
        while not texts[-1].startswith(beginning):
            texts.append(await socket.receive_str())
    return texts[1:]


async def test_updates_for_a_client_that_lags_are_left_out_and_it_gets_one_resync_once_it_has_caught_up(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await reader(door, school, http)
    connection = viewer_of(door, school)
    fill(connection, SOFT)
    assert connection.socket.waiting <= SOFT + 2 * len(FILLER)
    teacher = await door.client(school.teacher)
    for number in range(3):
        assert (await teacher.act("attendance.mark", marking(code="PLA"[number]), f"op{number}"))["ok"]
    await until(lambda: connection.skipped == {"school:s1"})
    transport_of(socket).resume_reading()
    texts = await texts_until(socket, '42["resync"')
    assert not [text for text in texts if text.startswith('42["update"')]
    assert orjson.loads(texts[-1][2:])[1] == {"topic": "school:s1", "reason": "behind"}
    ack = await teacher.act("attendance.mark", marking(code="P"), "after")
    update = orjson.loads((await texts_until(socket, '42["update"'))[-1][2:])[1]
    assert update["seq"] <= ack["seq"] + 2
    assert update["prev"] > 0
    await socket.close()


async def test_no_update_comes_between_those_that_were_left_out_and_the_resync(
    door: DoorKit, school: School, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "ROUND", 1_000.0)
    socket = await reader(door, school, http)
    connection = viewer_of(door, school)
    fill(connection, SOFT)
    teacher = await door.client(school.teacher)
    assert (await teacher.act("attendance.mark", marking(code="P"), "left_out"))["ok"]
    await until(lambda: connection.skipped == {"school:s1"})
    transport_of(socket).resume_reading()
    reading = asyncio.create_task(texts_until(socket, '42["resync"'))
    await until(lambda: connection.socket.waiting == 0)
    assert (await teacher.act("attendance.mark", marking(code="L"), "left_out_too"))["ok"]
    connection.socket.caught_up()
    texts = await reading
    assert not [text for text in texts if text.startswith('42["update"')]
    assert (await teacher.act("attendance.mark", marking(code="A"), "after"))["ok"]
    await texts_until(socket, '42["update"')
    await socket.close()


async def test_requests_of_a_client_that_does_not_take_its_answers_are_not_read(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await reader(door, school, http)
    connection = viewer_of(door, school)
    fill(connection, SOFT)
    for number in range(5_000):
        await socket.send_str(f'42{number}["presence",{{"topic":"school:s1"}}]')
    waiting = connection.socket.waiting
    assert waiting < HARD
    transport_of(socket).resume_reading()
    await texts_until(socket, "434999")
    await socket.close()


async def test_a_client_that_takes_nothing_for_a_while_is_cut_with_a_reason_though_it_answers_pings(
    door: DoorKit, school: School, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "STALLED", 0.5)
    socket = await reader(door, school, http)
    connection = viewer_of(door, school)
    fill(connection, 50_000)
    assert 0 < connection.socket.waiting < SOFT
    async with asyncio.timeout(LIMIT):
        while not connection.closing:
            if not socket.closed:
                await socket.send_str("3")
            await asyncio.sleep(0.05)
    transport_of(socket).resume_reading()
    texts = await texts_until(socket, '42["closing"')
    assert orjson.loads(texts[-1][2:]) == ["closing", {"code": "too_slow"}]
    await socket.close()


async def test_a_client_that_is_always_behind_but_reads_is_not_cut(
    door: DoorKit, school: School, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrol, "STALLED", 1.0)
    socket = await reader(door, school, http)
    connection = viewer_of(door, school)
    transport_of(socket).resume_reading()
    begin = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - begin < 3:
        fill(connection, 100_000)
        await socket.receive_str(timeout=LIMIT)
    assert not connection.closing
    await socket.close()


async def test_a_client_that_answers_no_ping_is_gone(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    door.server.eio.ping_interval, door.server.eio.ping_timeout = 0.2, 0.4
    socket = await raw_client(door, school, http, school.viewer)
    assert await socket.receive_str(timeout=LIMIT) == "2"
    async with asyncio.timeout(LIMIT):
        while (await socket.receive()).type is WSMsgType.TEXT:
            pass
    await until(lambda: not door.gateway.connections_of(school.viewer.id))


async def test_what_goes_wrong_with_one_connection_keeps_no_other_from_its_pings(
    door: DoorKit,
    school: School,
    http: ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    door.server.eio.ping_interval = 0.2
    broken = await raw_client(door, school, http, school.teacher)
    (connection,) = door.gateway.connections_of(school.teacher.id)
    monkeypatch.setattr(connection.socket, "caught_up", broken_off)
    await until(lambda: "broken off" in caplog.text)
    socket = await raw_client(door, school, http, school.viewer)
    assert await socket.receive_str(timeout=LIMIT) == "2"
    await socket.close()
    monkeypatch.undo()
    await broken.close()


def broken_off() -> None:
    raise RuntimeError("broken off")


async def test_a_client_that_answers_pings_stays(door: DoorKit, school: School, http: ClientSession) -> None:
    door.server.eio.ping_interval, door.server.eio.ping_timeout = 0.1, 0.5
    socket = await raw_client(door, school, http, school.viewer)
    for _ in range(4):
        assert await socket.receive_str(timeout=LIMIT) == "2"
        await socket.send_str("3")
    assert door.gateway.connections_of(school.viewer.id)
    await socket.close()


async def test_pings_of_a_client_that_does_not_read_are_not_answered_without_end(
    door: DoorKit, school: School, http: ClientSession
) -> None:
    socket = await reader(door, school, http)
    connection = viewer_of(door, school)
    fill(connection, SOFT)
    waiting = connection.socket.waiting
    connection.socket.pinged = True
    for _ in range(2_000):
        await socket.ping(b"x" * 100)
    await socket.send_str("3")
    await until(lambda: not connection.socket.pinged)
    assert connection.socket.waiting == waiting
    await socket.close()
