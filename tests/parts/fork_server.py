"""A process that has imported the server's modules and forks for each start of one: `tests.parts.preloaded`.

It reads requests from the socket whose descriptor is its argument, and writes there what becomes of its
children: `started PID`, `stopped PID`, `ended PID CODE`, each a message of its own.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from typing import Any

IMPORTED = ("app.cli", "app.main", "app.commands.serve", "app.storage.mongo", "uvloop")

LONGEST = 1 << 20
"""Bytes of a request: a command and an environment."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def forked(requests: socket.socket) -> str:
    """Forks as it is asked to. Returns in each child, prepared to run the module whose name it gives; in this
    process, once nobody asks any more, it raises SystemExit.
    """
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # it writes to `wake`, which is all that is wanted
    while True:
        ready, _, _ = select.select([requests.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, LONGEST)
            report_children(requests)
        if requests.fileno() in ready:
            message, streams, _, _ = socket.recv_fds(requests, LONGEST, 2)
            if not message:
                sys.exit()
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                os.close(woken)
                os.close(wake)
                requests.close()
                return prepared(json.loads(message), *streams)
            for stream in streams:
                os.close(stream)
            requests.send(f"started {pid}".encode())


def report_children(requests: socket.socket) -> None:
    """Tells which children have stopped or ended since it was last called."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if os.WIFSTOPPED(status):
            requests.send(f"stopped {pid}".encode())
        else:
            requests.send(f"ended {pid} {os.waitstatus_to_exitcode(status)}".encode())


def prepared(request: dict[str, Any], stdin: int, stdout: int) -> str:
    """Makes this process, just forked, as one that was started by `python -m MODULE ARGUMENTS`."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in ((0, stdin), (1, stdout), (2, stdout)):
        os.dup2(stream, number)
    os.close(stdin)
    os.close(stdout)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    module, *arguments = request["arguments"]
    sys.orig_argv = [sys.executable, "-m", module, *arguments]
    sys.argv = [module, *arguments]
    return str(module)


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # what is shared stays shared
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        wanted = forked(connection)
    runpy.run_module(wanted, run_name="__main__", alter_sys=True)
