import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.parts.process import Child, environment_without, free_port, tied_to_parent
from tests.waiting import until

Python = Callable[[str], Child]


@pytest.fixture
def python() -> Iterator[Python]:
    """Starts a Python with the given code; it is ended after the test."""
    started: list[Child] = []

    def start(code: str) -> Child:
        child = Child([sys.executable, "-u", "-c", code])
        started.append(child)
        child.spawn()
        return child

    yield start
    for child in started:
        child.kill()


@pytest.fixture
def patient(python: Python) -> Child:
    """A child that runs until it is ended."""
    return python("import signal; print('here'); signal.pause()")


def test_a_line_is_waited_for_and_its_match_returned(python: Python) -> None:
    child = python("print('starting'); print('listening on 127.0.0.1:80')")
    assert child.wait_for_line(r"listening on \S+:(\d+)")[1] == "80"
    child.kill()
    assert child.output == "starting\nlistening on 127.0.0.1:80"


def test_a_child_that_ends_first_fails_with_its_output_and_exit_code(python: Python) -> None:
    child = python("import sys; print('no database'); sys.exit(3)")
    with pytest.raises(AssertionError, match=r"(?s)did not print 'ready'.*ended with 3.*no database"):
        child.wait_for_line("ready")


def test_a_line_that_never_comes_fails_after_the_limit(patient: Child) -> None:
    with pytest.raises(AssertionError, match=r"did not print 'ready' within 0\.1 s; it is running"):
        patient.wait_for_line("ready", limit=0.1)


async def test_a_killed_child_has_ended_and_can_be_started_again(patient: Child) -> None:
    first = patient.pid
    patient.kill()
    assert not patient.running
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    patient.spawn()
    patient.wait_for_line("here")
    assert patient.pid != first


async def test_terminate_returns_the_exit_code(patient: Child) -> None:
    patient.wait_for_line("here")
    assert await patient.terminate() == -signal.SIGTERM


async def test_a_paused_child_can_still_be_killed(patient: Child) -> None:
    patient.pause()
    patient.kill()
    assert not patient.running


def test_a_running_child_is_not_started_twice(patient: Child) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        patient.spawn()


@pytest.mark.skipif(not tied_to_parent(), reason="only Linux, with util-linux, ties a child to its parent")
async def test_a_child_dies_with_the_test_run(python: Python) -> None:
    code = (
        "import sys, signal; from tests.parts.process import Child;"
        "child = Child([sys.executable, '-u', '-c', 'print(1); import signal; signal.pause()']);"
        "child.spawn();"
        # Before it runs, it is not tied to its parent yet.
        "child.wait_for_line('1');"
        "print('grandchild', child.pid); signal.pause()"
    )
    run = python(code)
    grandchild = int(run.wait_for_line(r"grandchild (\d+)")[1])
    run.kill()
    try:
        await until(lambda: state_of(grandchild) == "Z")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(grandchild, signal.SIGKILL)


def state_of(pid: int) -> str:
    """What Linux says of a process: `T` if it is stopped, `Z` if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


def test_a_free_port_is_outside_the_range_of_outgoing_connections() -> None:
    assert all(20_000 <= free_port() < 32_768 for _ in range(20))


def test_variables_of_a_prefix_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_PORT", "1")
    environment = environment_without("ROLLCALL_")
    assert "ROLLCALL_PORT" not in environment
    assert environment["PATH"] == os.environ["PATH"]
