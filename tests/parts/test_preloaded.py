import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.parts.process import Child, environment_without
from tests.parts.serve import App, Serve
from tests.parts.test_process import state_of
from tests.waiting import until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere programs are started as usual")


@pytest.mark.parametrize("arguments", [("nonsense",), ("--help",), ("serve", "--port", "x")])
async def test_a_forked_program_prints_and_exits_as_a_started_one(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    environment = environment_without("ROLLCALL_")
    started = Child([sys.executable, "-m", "app", *arguments], env=environment, cwd=ROOT)
    forked = App(tmp_path, {}, arguments)
    for program in (started, forked):
        program.spawn()
    assert await forked.exited(30) == await started.exited(30)
    assert forked.output.replace("tests.parts.quick_app", "app") == started.output


async def test_what_it_raises_is_printed(tmp_path: Path) -> None:
    forked = App(tmp_path, {}, (), module="tests.parts.no_such_module")
    forked.spawn()
    assert await forked.exited() == 1
    assert "No module named tests.parts.no_such_module" in forked.output


async def test_it_has_the_settings_and_the_folder_that_were_given(tmp_path: Path) -> None:
    forked = App(tmp_path, {"ROLLCALL_DATABASE_URL": "sqlite:///here.db"}, ("demo", "--schools", "1"))
    forked.run()
    assert (tmp_path / "here.db").exists()


async def test_it_is_paused_stopped_and_killed_by_signals(serve: Serve) -> None:
    server = serve()
    await server.wait_ready()
    server.pause()
    assert state_of(server.pid) == "T"
    server.resume()
    assert await server.terminate() == 0
    server.spawn()
    await server.wait_ready()
    server.kill()
    assert await server.exited() == -signal.SIGKILL


async def test_it_dies_with_the_test_run(tmp_path: Path) -> None:
    code = (
        "import sys, signal; from pathlib import Path; from tests.parts.serve import Rollcall;"
        f"server = Rollcall(Path({str(tmp_path)!r}), {{}}); server.spawn();"
        "server.wait_for_line('address'); print('server', server.pid); signal.pause()"
    )
    run = Child([sys.executable, "-u", "-c", code], cwd=ROOT)
    run.spawn()
    pid = int(run.wait_for_line(r"server (\d+)")[1])
    run.kill()
    try:
        await until(lambda: state_of(pid) == "Z")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
