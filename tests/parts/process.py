"""A program that a test starts, watches and ends, so that no fault of a test leaves it running."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import IO, Any, Protocol

from tests.waiting import until

HOST = "127.0.0.1"
_START_LIMIT = 30.0  # seconds; a JVM on two busy cores needs some of them
_KEPT_LINES = 5_000


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on.

    Below the range that the kernel gives to outgoing connections, so that none of these takes it before the
    program that it is meant for does.
    """
    while True:
        port = SystemRandom().randrange(20_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


class Process(Protocol):
    """What is used of a `subprocess.Popen`."""

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None
    returncode: int | Any

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Child:
    """A child process; what it prints (both streams) is kept for messages, the newest 5,000 lines of it."""

    def __init__(
        self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self._command = [str(part) for part in command]
        self._env = None if env is None else dict(env)
        self._cwd = cwd
        self._popen: Process | None = None
        self._reader: threading.Thread | None = None
        self._printed = threading.Condition()
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._ended = False

    @property
    def pid(self) -> int:
        """The process's id; of the last one, if it was started again."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def output(self) -> str:
        """What the current process has printed so far."""
        with self._printed:
            return "\n".join(self._lines)

    def spawn(self) -> None:
        """Starts the process and returns at once. On Linux it ends with the thread that called this."""
        if self.running:
            raise RuntimeError(f"{self._command[0]} is running already")
        self._lines.clear()
        self._ended = False
        self._popen = self._open()
        self._reader = threading.Thread(target=self._read, args=(self._popen,), daemon=True)
        self._reader.start()

    def wait_for_line(self, pattern: str, limit: float = _START_LIMIT) -> re.Match[str]:
        """Blocks until a printed line matches ``pattern`` somewhere, and returns the match.

        Raises AssertionError with everything printed if the process ends first or ``limit`` seconds pass.
        """
        deadline = monotonic() + limit
        with self._printed:
            while not self._ended and monotonic() < deadline:
                if match := self._find(pattern):
                    return match
                self._printed.wait(deadline - monotonic())
            if match := self._find(pattern):
                return match
        if self._ended:
            self._process.wait(10)  # its output ends a moment before it does
        raise AssertionError(self.story(f"did not print {pattern!r} within {limit:g} s"))

    async def exited(self, limit: float = 10.0) -> int:
        """Waits until the process has ended by itself and returns its exit code (-N: ended by signal N)."""
        await until(lambda: not self.running, limit)
        return self._collect()

    async def terminate(self, limit: float = 10.0) -> int:
        """Asks the process to end (SIGTERM), waits until it has, and returns its exit code."""
        self._process.terminate()
        return await self.exited(limit)

    def kill(self) -> None:
        """Ends the process at once (SIGKILL), whatever it is doing; nothing happens if it has ended."""
        if self._popen is not None:
            self._popen.kill()
            self._collect()

    def pause(self) -> None:
        """Freezes the process, and returns once it stands: nobody answers on its connections any more."""
        self._process.send_signal(signal.SIGSTOP)
        self._wait_stopped()

    def resume(self) -> None:
        """Lets a paused process go on where it was."""
        self._process.send_signal(signal.SIGCONT)

    def story(self, event: str) -> str:
        """``event`` with the command, the exit code and the output: the message of a failure."""
        state = "is running" if self.running else f"ended with {self._process.returncode}"
        return f"`{' '.join(self._command)}` {event}; it {state} and printed:\n{self.output}"

    def _open(self) -> Process:
        return subprocess.Popen(
            [*tied_to_parent(), *self._command],
            env=self._env,
            cwd=self._cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def _wait_stopped(self) -> None:
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    @property
    def _process(self) -> Process:
        if self._popen is None:
            raise RuntimeError(f"{self._command[0]} was not started")
        return self._popen

    def _find(self, pattern: str) -> re.Match[str] | None:
        return next((match for line in self._lines if (match := re.search(pattern, line))), None)

    def _collect(self, limit: float = 10.0) -> int:
        """The exit code of a process that ends within `limit` seconds, after its last line was read."""
        code = self._process.wait(limit)
        if self._reader is not None:
            self._reader.join(10)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return code

    def _read(self, popen: Process) -> None:
        if popen.stdout is None:
            raise RuntimeError("the output of a child is a pipe")
        with popen.stdout as lines:
            for line in lines:
                with self._printed:
                    self._lines.append(line.rstrip("\n"))
                    self._printed.notify_all()
        with self._printed:
            self._ended = True
            self._printed.notify_all()


class ServerProcess(Child):
    """A server on a port of its own, which stays the same when it is started again."""

    def __init__(
        self, command: Sequence[str | Path], *, url: str, ready: str, cwd: Path | None = None
    ) -> None:
        """``ready`` matches the line that the server prints once it accepts connections."""
        super().__init__(command, cwd=cwd)
        self.url = url
        self._ready = ready

    def start_blocking(self) -> None:
        """Starts the server and blocks until it accepts connections; for fixtures outside an event loop."""
        self.spawn()
        self.wait_for_line(self._ready)

    async def start(self) -> None:
        """Starts the server and waits until it accepts connections."""
        self.spawn()
        await asyncio.to_thread(self.wait_for_line, self._ready)

    def stop(self) -> None:
        """Ends the server at once, as a crash would; ``start`` brings it back on the same port."""
        self.kill()


@functools.cache
def tied_to_parent() -> list[str]:
    """What makes Linux kill a command when the test run dies, put before it; empty where there is none."""
    prefix = ["setpriv", "--pdeathsig", "KILL", "--"]
    if shutil.which(prefix[0]) is None:
        return []
    supported = subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0
    return prefix if supported else []


def environment_without(prefix: str) -> dict[str, str]:
    """This process's environment less the variables whose names begin with ``prefix``."""
    return {name: value for name, value in os.environ.items() if not name.startswith(prefix)}
