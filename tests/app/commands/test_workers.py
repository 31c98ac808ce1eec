"""`serve --workers`: several processes on one port."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio

from tests.parts.serve import Rollcall, Serve
from tests.waiting import until

SECRET = "0123456789abcdef0123456789abcdef"
START_LIMIT = 60.0
LIMIT = 10.0


@pytest.fixture
def settings(mongodb_database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "ROLLCALL_DATABASE_URL": mongodb_database_url,
        "ROLLCALL_REDIS_URL": redis_url,
        "ROLLCALL_SECRET": SECRET,
        "ROLLCALL_NODE": "n",
    }


def workers_of(server: Rollcall) -> list[int]:
    """The process ids of the workers that run."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


def any_alive(pids: list[int]) -> bool:
    return any(Path(f"/proc/{pid}").exists() for pid in pids)


async def token_of(server: Rollcall, email: str) -> str:
    body = {"email": email, "password": "rollcall-demo"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/api/users/authenticate", json=body) as response,
    ):
        return str((await response.json())["access_token"])


class Watcher:
    """A client by WebSocket; `node` is the worker that it met."""

    def __init__(self) -> None:
        self.socket = socketio.AsyncClient(reconnection=False)
        self.ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.updates: list[Any] = []
        self.closing: list[Any] = []
        self.socket.on("ready", self.ready.set_result)
        self.socket.on("update", self.updates.append)
        self.socket.on("closing", self.closing.append)

    async def connect(self, server: Rollcall, token: str) -> str:
        await self.socket.connect(server.url, auth={"token": token}, transports=["websocket"])
        return str((await asyncio.wait_for(self.ready, LIMIT))["server"]["node"])

    async def call(self, event: str, data: Any) -> Any:
        return await self.socket.call(event, data, timeout=LIMIT)


async def crowd(server: Rollcall, token: str) -> dict[str, Watcher]:
    """One client at each of the two workers."""
    met: dict[str, Watcher] = {}
    async with asyncio.timeout(START_LIMIT):
        while len(met) < 2:
            watcher = Watcher()
            node = await watcher.connect(server, token)
            if met.setdefault(node, watcher) is not watcher:
                await watcher.socket.disconnect()
    return met


async def test_two_workers_show_the_same_and_a_signal_stops_both(
    serve: Serve, settings: dict[str, str]
) -> None:
    server = serve(settings, "--workers", "2", "--demo")
    await server.wait_ready(START_LIMIT)
    assert "  node      2 processes, WebSocket only" in server.output
    met = await crowd(server, await token_of(server, "teacher1@s1.demo.test"))
    assert set(met) == {"n-1", "n-2"}
    one, other = met["n-1"], met["n-2"]
    for watcher in (one, other):
        await watcher.call("subscribe", {"topics": [{"topic": "class:s1-c1"}]})
    today = one.ready.result()["time"][:10]
    payload = {"class_id": "s1-c1", "date": today, "period": "1", "student_id": "s1-c1-p1", "code": "P"}
    marked = await one.call("action", {"type": "attendance.mark", "op_id": "a", "payload": payload})
    assert marked["ok"], marked
    await until(lambda: any(update["seq"] == marked["seq"] for update in other.updates))
    again = await other.call("action", {"type": "attendance.mark", "op_id": "a", "payload": payload})
    assert again["duplicate"]
    assert again["seq"] == marked["seq"]
    pids = workers_of(server)
    assert len(pids) == 2
    assert await server.terminate(LIMIT) == 0
    assert [watcher.closing for watcher in (one, other)] == [[{"code": "restarting"}]] * 2
    assert not any_alive(pids)


async def test_a_worker_that_is_killed_is_started_again(serve: Serve, settings: dict[str, str]) -> None:
    server = serve(settings, "--workers", "2", "--demo")
    await server.wait_ready(START_LIMIT)
    before = workers_of(server)
    os.kill(before[0], signal.SIGKILL)
    await until(lambda: len(workers_of(server)) == 2 and before[0] not in workers_of(server), START_LIMIT)
    assert before[1] in workers_of(server)
    assert "worker" in server.output
    met = await crowd(server, await token_of(server, "teacher1@s1.demo.test"))
    for watcher in met.values():
        await watcher.socket.disconnect()


async def test_workers_end_when_nobody_watches_them_any_more(serve: Serve, settings: dict[str, str]) -> None:
    server = serve(settings, "--workers", "2")
    await server.wait_ready(START_LIMIT)
    pids = workers_of(server)
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: not any_alive(pids), START_LIMIT)


async def test_a_worker_that_cannot_start_ends_all_with_its_reason(
    serve: Serve, settings: dict[str, str]
) -> None:
    first = serve(settings, "--workers", "2")
    await first.wait_ready(START_LIMIT)
    second = serve({**settings, "ROLLCALL_PORT": first.url.rpartition(":")[2]}, "--workers", "2")
    assert await second.exited(START_LIMIT) == 1
    assert "is in use" in second.output


@pytest.mark.parametrize("missing", ["ROLLCALL_DATABASE_URL", "ROLLCALL_REDIS_URL"])
async def test_workers_need_mongodb_and_redis_to_meet(
    serve: Serve, settings: dict[str, str], tmp_path: Path, missing: str
) -> None:
    less = {**settings, missing: "" if missing.endswith("REDIS_URL") else f"sqlite:///{tmp_path}/x.db"}
    server = serve(less, "--workers", "2")
    assert await server.exited(START_LIMIT) == 2
    assert "--workers needs a MongoDB" in server.output
