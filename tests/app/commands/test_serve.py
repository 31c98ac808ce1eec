"""`serve` as a process of its own."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from app.demo.load import Demo
from app.demo.plan import Size
from app.main import STOP_LIMIT
from app.storage.sqlite_reader import SqliteReader
from tests.kit import open_kit
from tests.pages import ROOT
from tests.parts.process import HOST, Child, environment_without, free_port, tied_to_parent
from tests.parts.serve import Rollcall, Serve
from tests.waiting import until

SECRET = "0123456789abcdef0123456789abcdef"
START_LIMIT = 60.0
OPEN_TO_ALL = {"ROLLCALL_HOST": "0.0.0.0", "ROLLCALL_SECRET": SECRET}


async def error_of(server: Rollcall) -> str:
    """The one line with which the server refuses to start."""
    assert await server.exited(START_LIMIT) == 1, server.story("was to refuse")
    (line,) = server.output.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def test_a_start_on_the_embedded_database_loads_nothing_that_others_need() -> None:
    """Loading modules is nearly all of the time that a start takes."""
    code = "import sys, app.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert {"motor", "pymongo", "rich", "app.storage.mongo"} & set(loaded.stdout.split()) == set()


async def test_it_says_where_it_is_and_a_signal_stops_it_cleanly(serve: Serve, tmp_path: Path) -> None:
    keys = set()
    for stop in (signal.SIGTERM, signal.SIGINT):
        server = serve({"ROLLCALL_NODE": "node-7"})
        await server.wait_ready()
        assert f"  address   {server.url} (listening on 127.0.0.1)" in server.output
        assert "  node      node-7" in server.output
        assert f"  storage   {tmp_path}/rollcall.db" in server.output
        assert "demo.test" not in server.output
        os.kill(server.pid, stop)
        assert await server.exited() == 0
        assert "Traceback" not in server.output
        key_file = tmp_path / "rollcall.db.key"
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        keys.add(key_file.read_text())
    assert len(keys) == 1


async def test_it_stops_though_nobody_reads_what_it_prints_any_more(tmp_path: Path) -> None:
    environment = environment_without("ROLLCALL_") | {
        "ROLLCALL_PORT": str(free_port()),
        "PYTHONUNBUFFERED": "1",
    }
    reader, writer = os.pipe()
    server = await asyncio.create_subprocess_exec(
        *tied_to_parent(),
        *(sys.executable, "-m", "app", "serve"),
        env=environment,
        cwd=tmp_path,
        stdout=writer,
        stderr=writer,
    )
    try:
        os.close(writer)
        with os.fdopen(reader) as lines:
            assert await asyncio.to_thread(lines.readline)
        async with asyncio.timeout(START_LIMIT):
            server.send_signal(signal.SIGTERM)
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def test_connections_that_do_nothing_do_not_hold_up_the_stop(serve: Serve) -> None:
    server = serve({})
    await server.wait_ready()
    async with aiohttp.ClientSession(server.url) as http:
        socket = await http.ws_connect("/socket.io/?EIO=4&transport=websocket")
        opening = await (await http.get("/socket.io/?EIO=4&transport=polling")).text()
        sid = orjson.loads(opening[1:])["sid"]
        poll = asyncio.create_task(http.get(f"/socket.io/?EIO=4&transport=polling&sid={sid}"))
        reader, writer = await asyncio.open_connection(HOST, int(server.url.rpartition(":")[2]))
        writer.write(b"POST /api/users/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n")
        writer.write(b"Expect: 100-continue\r\nContent-Type: application/json\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        async with asyncio.timeout(2 * STOP_LIMIT):
            os.kill(server.pid, signal.SIGTERM)
            assert await server.exited() == 0
        await asyncio.gather(poll, socket.close(), return_exceptions=True)
        writer.close()


async def test_a_file_or_port_that_another_server_has_is_refused_in_one_line(
    serve: Serve, tmp_path: Path
) -> None:
    first = serve()
    await first.wait_ready()
    line = await error_of(serve())
    assert line.startswith(f"{tmp_path}/rollcall.db is in use by process {first.pid} (")
    assert "app serve" in line
    port = first.url.rpartition(":")[2]
    settings = {"ROLLCALL_PORT": port, "ROLLCALL_DATABASE_URL": f"sqlite:///{tmp_path}/other.db"}
    assert await error_of(serve(settings)) == (
        f"port {port} of 127.0.0.1 is in use: stop the program that listens there, or set ROLLCALL_PORT"
    )
    assert first.running


async def test_with_demo_the_printed_command_marks_a_student(serve: Serve, tmp_path: Path) -> None:
    server = serve(None, "--demo")
    await server.wait_ready()
    assert "600 students" in server.output
    assert "teacher1@s1.demo.test" in server.output
    assert "rollcall-demo" in server.output
    for duplicate in (False, True):
        ack = await shell(printed_command(server))
        assert (ack["ok"], ack["duplicate"], ack["data"]["code"]) == (True, duplicate, "P")
    assert await server.terminate() == 0

    again = serve(None, "--demo")
    await again.wait_ready()
    assert "600 students" not in again.output
    assert (await shell(printed_command(again).replace(server.url, again.url)))["duplicate"]


def printed_command(server: Rollcall) -> str:
    (line,) = [line for line in server.output.splitlines() if line.startswith("TOKEN=")]
    return line


async def shell(line: str) -> dict[str, Any]:
    """The JSON that a shell's command prints."""
    process = await asyncio.create_subprocess_exec("sh", "-c", line, stdout=asyncio.subprocess.PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), START_LIMIT)
    answer: dict[str, Any] = orjson.loads(output)
    return answer


async def test_with_demo_a_database_that_holds_something_is_left_as_it_is(
    serve: Serve, tmp_path: Path
) -> None:
    async with open_kit(tmp_path / "rollcall.db") as kit:
        await kit.actor(roles=[("admin", "org")])
    server = serve(None, "--demo")
    await server.wait_ready()
    assert "demo.test" not in server.output
    assert (await heads(tmp_path))["org"] == 1


async def heads(folder: Path) -> dict[str, int]:
    reader = SqliteReader(folder / "rollcall.db")
    await reader.open()
    try:
        return await reader.heads(["org", "school:s1"])
    finally:
        await reader.close()


async def test_with_live_simulated_teachers_mark_the_demo(serve: Serve, tmp_path: Path) -> None:
    server = serve(None, "--demo", "--live")
    await server.wait_ready()
    before = (await heads(tmp_path))["school:s1"]

    async def moves() -> bool:
        return (await heads(tmp_path))["school:s1"] > before

    await until(moves, 30)
    assert await server.terminate() == 0


async def test_live_goes_with_the_demo(serve: Serve) -> None:
    server = serve(None, "--live")
    assert await server.exited(START_LIMIT) == 2
    assert server.output.strip() == "Error: --live goes with --demo, and with one process"


async def test_it_does_not_listen_beyond_this_machine_with_the_demo_password(
    serve: Serve, tmp_path: Path
) -> None:
    async with open_kit(tmp_path / "rollcall.db") as kit:
        demo = Demo(
            Size(schools=1, classes=1, teams=0),
            core=kit.core,
            credentials=kit.credentials,
            passwords=kit.passwords,
            clock=kit.clock,
        )
        await demo.load(password=None, history=0, advance=lambda done: None)
    line = await error_of(serve(OPEN_TO_ALL))
    assert line == (
        "admin@demo.test and 4 more still have the demo password, which everybody knows, and ROLLCALL_HOST is"
        " 0.0.0.0: give all of them another one (python -m app demo --password NEW), listen on 127.0.0.1,"
        " or set ROLLCALL_ALLOW_DEMO_PASSWORDS=on"
    )
    allowed = serve({**OPEN_TO_ALL, "ROLLCALL_ALLOW_DEMO_PASSWORDS": "on"})
    await allowed.wait_ready()
    assert f"  address   {allowed.url} (listening on 0.0.0.0)" in allowed.output


async def test_what_is_accepted_when_it_is_told_to_stop_is_answered_and_kept(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve({"ROLLCALL_LIMIT_ACTIONS": "off"}, "--demo")
    await server.wait_ready()
    acknowledged: list[int] = []
    async with aiohttp.ClientSession(server.url) as session:
        body = {"email": "admin@demo.test", "password": "rollcall-demo"}
        async with session.post("/api/users/authenticate", json=body) as response:
            headers = {"Authorization": f"Bearer {(await response.json())['access_token']}"}

        async def write(number: int) -> None:
            """Add students until the server is gone; what it answered must be there."""
            for place in range(10_000):
                payload = {"school_id": "s1", "given_name": "Ada", "family_name": f"Example {number}"}
                body = {"type": "student.create", "op_id": f"w{number}-{place}", "payload": payload}
                try:
                    async with session.post("/api/actions", json=body, headers=headers) as response:
                        answer = await response.json()
                except aiohttp.ClientError:
                    return
                if not answer["ok"]:
                    assert answer["error"]["code"] == "unavailable"
                    return
                acknowledged.append(answer["seq"])

        writers = [asyncio.create_task(write(number)) for number in range(8)]
        await until(lambda: len(acknowledged) >= 100)
        assert await server.terminate() == 0
        await asyncio.wait_for(asyncio.gather(*writers), 10)
    assert len(set(acknowledged)) == len(acknowledged)
    assert (await heads(tmp_path))["school:s1"] >= max(acknowledged)
    assert "Traceback" not in server.output


async def test_it_serves_from_any_folder_with_the_default_database(tmp_path: Path) -> None:
    port = str(free_port())
    environment = environment_without("ROLLCALL_") | {"ROLLCALL_PORT": port, "PYTHONUNBUFFERED": "1"}
    child = Child([sys.executable, "-m", "app", "serve"], env=environment, cwd=tmp_path)
    child.spawn()
    try:
        await asyncio.to_thread(child.wait_for_line, f"http://{HOST}:{port}")
        assert sorted(path.name for path in (tmp_path / "data").iterdir())[:2] == [
            "rollcall.db",
            "rollcall.db-shm",
        ]
        assert await child.terminate() == 0
    finally:
        child.kill()
