"""SIGKILL at random moments: what was acknowledged is there once, and sending everything again changes
nothing."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio

from models.journal import Record
from tests.parts.serve import Rollcall, Serve
from tests.realtime.kit import Client

KILLS = {"sqlite": 20, "mongo": 6}
WRITERS = 5
IN_FLIGHT = 8
SEED = 20260302
DAY = str(datetime.now(UTC).date())

Sent = tuple[str, dict[str, Any]]


class Stream:
    """Marks without end: `sent` in order, and the acks that came."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self._count = itertools.count()
        self.sent: dict[str, dict[str, Any]] = {}
        self.acks: dict[str, Record] = {}

    def next(self) -> Sent:
        op_id = f"op-{next(self._count)}"
        payload = {
            "class_id": f"s1-c{self._random.randint(1, 3)}",
            "date": DAY,
            "period": str(self._random.randint(1, 3)),
            "code": self._random.choice("PAEL"),
        }
        payload["student_id"] = f"{payload['class_id']}-p{self._random.randint(1, 25)}"
        self.sent[op_id] = payload
        return op_id, payload


@pytest.fixture
def tmp_path(folder_on_disk: Path) -> Path:
    """Where `serve` keeps its data."""
    return folder_on_disk


@pytest.fixture(params=["sqlite", "mongo"])
def server(request: pytest.FixtureRequest, serve: Serve) -> Rollcall:
    env = {"ROLLCALL_LIMIT_ACTIONS": "off", "ROLLCALL_SECRET": "a-secret-that-is-long-enough-for-HS256"}
    if request.param == "mongo":
        env["ROLLCALL_DATABASE_URL"] = request.getfixturevalue("mongodb_database_url")
    return serve(env, "--demo")


async def sign_in(http: aiohttp.ClientSession, url: str) -> str:
    account = {"email": "office@s1.demo.test", "password": "rollcall-demo"}
    async with http.post(f"{url}/api/users/authenticate", json=account) as response:
        assert response.status == 200, await response.text()
        return str((await response.json())["access_token"])


async def write(url: str, token: str, stream: Stream) -> None:
    """Send marks, several at a time, until the server dies."""
    client = Client(url)

    async def one_after_the_other() -> None:
        while True:
            op_id, payload = stream.next()
            answered = asyncio.Event()

            # Not `call`: what is cancelled while an ack is on its way to it would forget the ack.
            def remember(ack: Record, op_id: str = op_id, answered: asyncio.Event = answered) -> None:
                stream.acks[op_id] = ack
                answered.set()

            action = {"type": "attendance.mark", "payload": payload, "op_id": op_id}
            await client.socket.emit("action", action, callback=remember)
            await answered.wait()
            assert stream.acks[op_id]["ok"], stream.acks[op_id]

    try:
        await client.connect(token)
        async with asyncio.TaskGroup() as group:
            marking = [group.create_task(one_after_the_other()) for _ in range(IN_FLIGHT)]
            await client.socket.eio.wait()
            for task in marking:
                task.cancel()
    except* (socketio.exceptions.SocketIOError, aiohttp.ClientError, ConnectionError):
        pass
    finally:
        await client.close()


async def journal(http: aiohttp.ClientSession, url: str) -> list[Record]:
    entries: list[Record] = []
    while True:
        after = entries[-1]["seq"] if entries else 0
        async with http.get(f"{url}/api/journal/school:s1?after={after}&limit=500") as response:
            page = (await response.json())["items"]
        if not page:
            return entries
        entries += page


async def send_again(http: aiohttp.ClientSession, url: str, stream: Stream) -> dict[str, Record]:
    answers: dict[str, Record] = {}
    for batch in _batches(stream):
        actions = [{"type": "attendance.mark", "payload": p, "op_id": op_id} for op_id, p in batch]
        async with http.post(f"{url}/api/actions/batch", json={"actions": actions}) as response:
            assert response.status == 200, await response.text()
            answers.update({answer["op_id"]: answer for answer in (await response.json())["results"]})
    return answers


def _batches(stream: Stream) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    items = list(stream.sent.items())
    return (items[i : i + 400] for i in range(0, len(items), 400))


async def test_killed_twenty_times_nothing_acknowledged_is_lost_or_doubled(
    server: Rollcall, request: pytest.FixtureRequest
) -> None:
    kills = KILLS[request.node.callspec.params["server"]]
    await server.wait_ready()
    stream = Stream()
    chance = random.Random(SEED)
    async with aiohttp.ClientSession() as http:
        token = await sign_in(http, server.url)
        http.headers["Authorization"] = f"Bearer {token}"
        for _ in range(kills):
            goal = len(stream.acks) + chance.randint(1, 120)
            writers = [asyncio.create_task(write(server.url, token, stream)) for _ in range(WRITERS)]
            while len(stream.acks) < goal:
                done, _ = await asyncio.wait(writers, timeout=0.001, return_when=asyncio.FIRST_EXCEPTION)
                assert not done, [task.exception() for task in done]
            server.kill()
            await asyncio.gather(*writers)
            await server.start()

        assert [ack for ack in stream.acks.values() if not ack["ok"]] == []
        entries = await journal(http, server.url)
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        by_op = {entry["op_id"]: entry for entry in entries if entry["op_id"] in stream.sent}
        assert len(by_op) == sum(entry["op_id"] in stream.sent for entry in entries)
        for op_id, ack in stream.acks.items():
            assert (by_op[op_id]["seq"], by_op[op_id]["data"]) == (ack["seq"], ack["data"])

        first = await send_again(http, server.url, stream)
        for op_id, ack in stream.acks.items():
            assert first[op_id] == {**ack, "duplicate": True}
        assert {op_id for op_id, answer in first.items() if answer["duplicate"]} == set(by_op)
        head = len(await journal(http, server.url))
        second = await send_again(http, server.url, stream)
        assert all(answer["duplicate"] for answer in second.values())
        entries = await journal(http, server.url)
        assert len(entries) == head

        newest = {(e["data"]["kind"], e["data"]["id"]): e["data"] for e in entries}
        async with http.get(f"{server.url}/api/topics/school:s1?date={DAY}") as response:
            snapshot = await response.json()
        assert snapshot["position"]["seq"] == head
        assert len(snapshot["records"]) > 100
        for record in snapshot["records"]:
            assert record == newest[record["kind"], record["id"]]
        check_figures(snapshot["records"])
        assert len(stream.acks) > 10 * kills


def check_figures(records: list[Record]) -> None:
    """Tallies and the summary are what the marks add up to."""
    marks = [record for record in records if record["kind"] == "mark" and record["code"]]
    tallies = [record for record in records if record["kind"] == "tally"]
    for tally in tallies:
        counts: dict[str, int] = {}
        for mark in marks:
            if (mark["class_id"], mark["period"]) == (tally["class_id"], tally["period"]):
                counts[mark["code"]] = counts.get(mark["code"], 0) + 1
        assert tally["counts"] == counts
    (summary,) = (record for record in records if record["kind"] == "summary")
    assert sum(summary["counts"].values()) == len(marks)
    assert summary["registers"] == {"open": len(tallies), "taken": 0}
