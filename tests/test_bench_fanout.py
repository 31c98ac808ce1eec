"""The parts of the fan-out benchmarks do what their figures rest on, and each benchmark runs to its end."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench import builds, protocols
from bench.connections import levels_within
from bench.curves import BY_MEMBERS, Places, Round, pictures
from bench.curves import report as curves_report
from bench.generator import Generator, Load, LoadFailed, generator
from bench.protocols import NUMBER, UPDATE, Protocol
from bench.quiet import AGREE, STOLEN, Kept, Pace, in_turns
from bench.svg import LABEL_HEIGHT, Curve, Point, picture
from realtime.frames import frame
from tests.test_bench import rows, run

SMALL = ("--rounds", "1", "--noisy")
QUIET = Pace(at=0, server=1, generator=1, stolen=0)
LOAD = Load(2.0, 1.0, 0.5, 10, 100, 200.0, 1.0, 2.0, 0.0)


pytestmark = pytest.mark.usefixtures("compiler")


# -- the load generator

SPOKEN = Protocol(
    {"path": "/", "hello": "hello $", "greeting": "welcome", "update": "up", "ack": "ok", "needle": "up"},
    lambda topic: f"join {topic}",
    lambda topic: f"say {NUMBER}",
)


@asynccontextmanager
async def server(answer: Callable[[str], bytes]) -> AsyncIterator[int]:
    """The port of a server that sends what `answer` makes of each message."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        try:
            while True:
                size = (await reader.readexactly(2))[1] & 0x7F
                message = (await reader.readexactly(4 + size))[4:]
                writer.write(answer(message.decode()))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@asynccontextmanager
async def clients(
    protocol: Protocol, answer: Callable[[str], bytes], tokens: tuple[str, ...] = ()
) -> AsyncIterator[Generator]:
    """The generator, and a server that sends what `answer` makes of each message."""
    async with server(answer) as port, generator("a server", protocol, port, os.getpid(), tokens) as one:
        yield one


def answering(update: Callable[[str], bytes]) -> Callable[[str], bytes]:
    """What a server answers; `update` makes the frames for an update from its number."""

    def answer(message: str) -> bytes:
        if message.startswith("say "):
            return update(message.removeprefix("say ")) + frame(b"ok")
        return frame(b"welcome" if message.startswith("hello") else b"ok")

    return answer


async def counted(update: Callable[[str], bytes], each: int, protocol: Protocol = SPOKEN) -> Load:
    """What is measured of a server where every update brings so many deliveries."""
    async with clients(protocol, answering(update)) as one:
        await one.connect(2)
        await one.subscribe(1, 1, "t1")
        one.write_to([("t1", each)])
        return await one.single(0.05)


async def test_updates_are_counted_however_their_bytes_are_cut() -> None:
    sizes = [3, 125, 126, 60_000] + [200] * 3_000

    def update(number: str) -> bytes:
        return b"".join(frame(f"up{number}".encode().ljust(max(size, 11), b".")) for size in sizes)

    load = await counted(update, len(sizes))
    assert load.updates >= 1
    assert load.deliveries == load.updates * len(sizes)
    assert load.bytes == pytest.approx(sum(max(size, 11) for size in sizes) / len(sizes), abs=0.1)


async def test_an_update_longer_than_a_read_is_counted_once() -> None:
    load = await counted(lambda number: frame(f"up{number}".encode().ljust(700_000, b".")), 1)
    assert load.deliveries == load.updates >= 1


async def test_each_line_of_a_frame_is_a_message_where_the_protocol_says_so() -> None:
    protocol = replace(SPOKEN, settings={**SPOKEN.settings, "lines": "1"})
    load = await counted(lambda number: frame(f"up{number}\nup{number}\n".encode()), 2, protocol)
    assert load.deliveries == 2 * load.updates >= 2


async def test_what_is_no_update_is_not_passed_over() -> None:
    with pytest.raises(LoadFailed, match="unexpected: resync"):
        await counted(lambda number: frame(b"resync") + frame(f"up{number}".encode()), 1)


async def test_an_answer_with_an_error_fails_the_measurement() -> None:
    with pytest.raises(LoadFailed, match="rate_limited"):
        await counted(lambda number: frame(b'ok{"error":{"code":"rate_limited"}}'), 1)


async def test_a_lost_connection_fails_the_measurement() -> None:
    with pytest.raises(LoadFailed, match="closed a connection: too slow"):
        await counted(lambda number: b"\x88\x0a\x03\xf0too slow", 1)


async def test_connections_take_the_tokens_in_turns_and_are_ended_one_by_one() -> None:
    said = []

    def answer(message: str) -> bytes:
        said.append(message)
        return frame(b"welcome")

    async with clients(SPOKEN, answer, ("one", "two")) as one:
        await one.connect(3)
        assert sorted(said) == ["hello one", "hello one", "hello two"]
        assert (await one.close(3)).seconds > 0


async def test_a_pace_is_kept_and_latencies_are_seen() -> None:
    async with clients(SPOKEN, answering(lambda number: frame(f"up{number}".encode()))) as one:
        await one.connect(17)
        one.write_to([("t1", 1)])
        load = await one.paced(100, 0, 0.5, members=1)
    assert 30 <= load.deliveries <= 51
    assert 0 < load.p50_ms <= load.p99_ms


async def test_what_a_server_adds_by_itself_is_not_counted_where_the_protocol_says_so() -> None:
    protocol = replace(SPOKEN, settings={**SPOKEN.settings, "needle": "number:", "derived": "1"})
    load = await counted(lambda number: frame(f"up number:{number}".encode()) + frame(b"up"), 1, protocol)
    assert load.deliveries == load.updates >= 1


async def test_deliveries_are_counted_for_each_server() -> None:
    def update(number: str) -> bytes:
        return frame(f"up{number}".encode())

    async with (
        server(answering(lambda number: 2 * update(number))) as other,
        clients(SPOKEN, answering(update)) as one,
    ):
        await one.connect(1)
        one.turn_to(other, os.getpid())
        await one.connect(1)
        one.write_to([("t1", 1), ("t2", 2)], writers=2)
        load = await one.paced(90, 0, 0.3, members=1.5)
    first, second = (node.deliveries for node in load.nodes)
    assert 0 < first < second
    assert first + second == load.deliveries


async def test_topics_of_one_writer_get_updates_in_turns() -> None:
    said = []

    def answer(message: str) -> bytes:
        topic, _, number = message.partition(" ")
        said.append(topic)
        return frame(b"welcome" if topic == "hello" else b"ok") + (
            frame(f"up{number}".encode()) * bool(number)
        )

    protocol = replace(SPOKEN, publish=lambda topic: f"{topic} {NUMBER}")
    async with clients(replace(protocol, settings={**SPOKEN.settings, "hello": "hello"}), answer) as one:
        await one.connect(2)
        one.write_to([("t1", 1), ("t2", 1), ("t3", 1), ("t4", 1)], writers=2)
        await one.paced(80, 0, 0.1, members=1)
        assert {said.count(topic) for topic in ("t1", "t2", "t3", "t4")} == {2}
        one.write_to([("t1", 1), ("t2", 1), ("t3", 1)], writers=2)
        with pytest.raises(LoadFailed, match="3 rooms among 2 writers"):
            await one.paced(80, 0, 0.1, members=1)


@pytest.mark.parametrize("protocol", [protocols.socketio(), protocols.centrifuge()])
def test_the_peers_send_updates_of_the_size_that_is_compared(protocol: Protocol) -> None:
    sent = protocol.publish("team:t1")
    data = sent[sent.index('{"topic"') if '{"topic"' in sent else sent.index('{"op_id"') :]
    before = '42["update",' if '{"topic"' in sent else '{"push":{"channel":"team:t1","pub":{"data":'
    received = before + data.removesuffix("]").removesuffix("}}") + ("]" if before[0] == "4" else "}}}")
    assert len(received) == UPDATE


# -- one room


def test_a_room_is_measured_and_its_server_stopped() -> None:
    printed = run(
        "room", "--level", "5", "--level", "10", "--rounds", "1", "--seconds", "2", "--settle", "0.1"
    )
    by_users, stop = printed.split("\n\n")
    assert [row[0] for row in rows(by_users)] == ["5", "10"]
    ((connections, told, *_, errors),) = rows(stop)
    assert (connections, told, errors) == ("10", "10", "0")


# -- noisy rounds


@pytest.mark.parametrize(
    ("later", "agrees"),
    [
        (replace(QUIET, at=1), True),
        (replace(QUIET, at=1, server=1 / (1 - AGREE) - 0.01), True),
        (replace(QUIET, at=1, server=1 / (1 - AGREE) + 0.01), False),
        (replace(QUIET, at=1, generator=1 - AGREE - 0.01), False),
        (replace(QUIET, at=1, stolen=2 * STOLEN - 0.01), True),
        (replace(QUIET, at=1, stolen=2 * STOLEN + 0.01), False),
    ],
)
def test_a_round_is_quiet_if_the_cores_were_as_fast_and_ours(later: Pace, agrees: bool) -> None:
    assert QUIET.agrees(later) is agrees


async def turns(noisy_ones: set[int], *, noisy: bool = False) -> tuple[list[str], dict[str, Kept[int]]]:
    """The order in which two works were done in three rounds, where those with these numbers were noisy."""
    order: list[str] = []

    async def work(name: str) -> int:
        order.append(name)
        return len(order)

    def pace() -> Pace:
        return replace(QUIET, at=len(order), stolen=sum(number <= len(order) for number in noisy_ones))

    works = {name: lambda name=name: work(name) for name in ("a", "b")}
    return order, await in_turns(works, rounds=3, noisy=noisy, pace=pace)


async def test_noisy_rounds_are_dropped_and_tried_again_after_the_others() -> None:
    order, kept = await turns({1, 4, 7})
    assert "".join(order) == "ababab" + "ab" + "a"
    assert (kept["a"].results, kept["a"].rounds) == ([3, 5, 9], "3 of 5")
    assert (kept["b"].results, kept["b"].rounds) == ([2, 6, 8], "3 of 4")


async def test_tries_end_where_no_round_is_quiet() -> None:
    order, kept = await turns(set(range(100)))
    assert "".join(order) == "ab" * 6
    assert kept["a"].results == []
    assert kept["a"].spread(float) == "–"
    assert kept["a"].median(float) is None


async def test_noisy_rounds_count_if_that_is_wanted() -> None:
    order, kept = await turns(set(range(100)), noisy=True)
    assert "".join(order) == "ababab"
    assert kept["b"].results == [2, 4, 6]


# -- pictures


def test_a_picture_has_every_curve_with_its_name_within_its_frame() -> None:
    curves = [
        Curve("C & D", [Point(10, 900, 1_000, 1_100), Point(1_000, 90_000, 100_000, 110_000)]),
        Curve("near it", [Point(10, 900, 1_010, 1_100), Point(1_000, 90_000, 100_100, 110_000)]),
        Curve("not measured", []),
    ]
    svg = ET.fromstring(picture("Deliveries", "members", "per second", curves))
    width, height = (float(number) for number in svg.attrib["viewBox"].split()[2:])
    texts = {
        element.text: float(element.attrib["y"]) for element in svg.iter() if element.tag.endswith("text")
    }
    assert {"Deliveries", "members", "per second", "C & D", "near it", "10", "1,000", "100,000"} <= set(texts)
    assert "not measured" not in texts
    assert abs(texts["C & D"] - texts["near it"]) >= LABEL_HEIGHT
    marks = [element.attrib for element in svg.iter() if element.tag.endswith("circle")]
    assert [0 < float(mark["cx"]) < width and 0 < float(mark["cy"]) < height for mark in marks] == [
        True,
        True,
    ]
    assert float(marks[0]["cy"]) > float(marks[1]["cy"]), "more is higher"


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        picture("Deliveries", "members", "per second", [Curve("not measured", [])])


def test_curves_leave_out_what_was_too_noisy() -> None:
    results = {
        (BY_MEMBERS, 10, "Rollcall"): Kept([Round(LOAD, LOAD)]),
        (BY_MEMBERS, 100, "Rollcall"): Kept[Round]([], dropped=6),
    }
    drawn = pictures(results)
    assert list(drawn) == ["fanout-members-deliveries.svg", "fanout-members-p99.svg"]
    assert len(re.findall("<circle", drawn["fanout-members-p99.svg"])) == 1
    assert [row[-1] for row in rows(curves_report(results))] == ["1", "0 of 6"]


# -- what is measured


def test_members_of_all_rooms_are_among_the_connections() -> None:
    places = Places(members=(10, 30), rooms=(1, 4), members_each=20)
    assert places.connections == 80
    assert places.points()[BY_MEMBERS, 30] == [2]
    assert [places.teams[team] for team in places.points()["rooms", 4]] == [
        (0, 20),
        (20, 20),
        (40, 20),
        (60, 20),
    ]


def test_levels_are_no_more_than_the_process_may_have_open() -> None:
    assert levels_within((1, 2)) == [1, 2]
    assert len(levels_within((10**9, 2 * 10**9))) in (1, 2)


def test_a_missing_tool_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builds, "BUILT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(builds.ToolMissing, match="needs gcc, which is not here: install"):
        builds.generator()


def test_the_push_to_one_topic_is_measured() -> None:
    names = ("Rollcall", "Rollcall, push alone", "python-socketio", "C loop", "C loop, 4 per write")
    only = [word for name in names for word in ("--only", name)]
    load = ("--members", "5", "--pace", "250", "--seconds", "0.2", "--warm-up", "0.1")
    printed = run("push", *SMALL, *only, *load)
    assert [row[0] for row in rows(printed) if row[0] in names] == list(names) * 3


def test_connections_are_measured() -> None:
    sizes = ("--first", "5", "--connections", "15", "--level", "5", "--level", "15", "--level", "20")
    printed = run("connections", *SMALL, "--only", "Rollcall", *sizes)
    assert "at 5 clients | at 15 clients | at 20 clients" in printed
    assert [row[0] for row in rows(printed)].count("Rollcall") == 2


def test_curves_are_measured_and_drawn(tmp_path: Path) -> None:
    sizes = ("--members", "2", "--members", "5", "--rooms", "1", "--rooms", "3", "--members-each", "2")
    times = ("--seconds", "0.2", "--warm-up", "0.1", "--pictures", str(tmp_path))
    run("curves", *SMALL, "--only", "Rollcall", "--only", "C loop", *sizes, *times)
    drawn = [
        f"fanout-{growing}-{value}.svg" for growing in ("members", "rooms") for value in ("deliveries", "p99")
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == drawn
