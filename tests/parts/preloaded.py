"""Starting `python -m app` without waiting for its imports: by a fork of a process that has made them.

A start costs a twentieth of the processor time, and a suite has hundreds of them.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.parts.process import environment_without

ROOT = Path(__file__).parents[2]
LIMIT = 60.0
"""Seconds for the imports, and for a fork on a busy machine."""


class Forked:
    """A program that was started by a fork. It is used as a `subprocess.Popen` is."""

    def __init__(self, pid: int, stdin: IO[str], stdout: IO[str]) -> None:
        self.pid = pid
        self.stdin: IO[str] | None = stdin
        self.stdout: IO[str] | None = stdout
        self.returncode: int | None = None
        self._stopped = threading.Event()
        self._ended = threading.Event()

    def stop(self) -> None:
        """Notes that it stands, after a SIGSTOP."""
        self._stopped.set()

    def end(self, code: int) -> None:
        """Notes that it has ended (-N: by signal N)."""
        self.returncode = code
        self._ended.set()

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. subprocess.TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired("a forked program", timeout or 0)
        return self.returncode or 0

    def wait_stopped(self) -> None:
        """Returns once it stands, after a SIGSTOP. TimeoutError."""
        if not self._stopped.wait(LIMIT):
            raise TimeoutError(f"process {self.pid} does not stop")

    def send_signal(self, sig: int) -> None:
        """Nothing happens if it has ended."""
        if sig == signal.SIGSTOP:
            self._stopped.clear()
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # its end is not told yet
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that forks, and what it has started."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # Once the other end of the socket is gone, with the test run, it ends, and its children with it.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.parts.fork_server", str(theirs.fileno())],
                cwd=ROOT,
                env=environment_without("ROLLCALL_") | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._lock = threading.Lock()
        self._started = threading.Condition()
        self._asked: tuple[IO[str], IO[str]] | None = None
        self._newest: Forked | None = None
        self._running: dict[int, Forked] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path) -> Forked:
        """Starts `python -m ARGUMENTS`; its output and errors are one stream. RuntimeError."""
        request = json.dumps({"arguments": list(arguments), "env": dict(env), "cwd": str(cwd)}).encode()
        their_stdin, stdin = os.pipe()
        stdout, their_stdout = os.pipe()
        with self._lock, self._started:
            self._asked, self._newest = (os.fdopen(stdin, "w"), os.fdopen(stdout, errors="replace")), None
            socket.send_fds(self._requests, [request], [their_stdin, their_stdout])
            os.close(their_stdin)
            os.close(their_stdout)
            self._started.wait_for(lambda: self._newest is not None, LIMIT)
            if self._newest is None:
                raise RuntimeError("the process that forks servers does not answer")
            return self._newest

    def _listen(self) -> None:
        while message := self._requests.recv(100):
            event, pid, *code = message.decode().split()
            with self._started:
                if event == "started" and self._asked is not None:
                    self._newest = self._running[int(pid)] = Forked(int(pid), *self._asked)
                    self._started.notify_all()
                elif event == "stopped":
                    self._running[int(pid)].stop()
                elif event == "ended":
                    self._running.pop(int(pid)).end(int(code[0]))


@functools.cache
def fork_server() -> ForkServer:
    """The one of this test run, or of this worker of it."""
    return ForkServer()
