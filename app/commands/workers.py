"""Several processes on one port: each is a node of its own, and this one starts, watches and stops them."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable

from app.config import Settings

READY = "ready"
"""The line with which a worker says that it listens."""
START_LIMIT = 60.0
STOP_LIMIT = 30.0
"""Seconds that a worker has to start, and to answer what it has accepted once it is told to stop."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a worker that ended by itself is started again; twice as many each time it ends at once."""

log = logging.getLogger("rollcall.workers")


class WorkerFailed(Exception):
    """A worker did not start; it has said why on standard error."""


def check_port_is_free(settings: Settings) -> None:
    """OSError if somebody listens there: who shares a port is not told of others."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.host, settings.port))


class Workers:
    """Keeps so many workers running until it is told to stop."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._stopping = asyncio.Event()

    async def run(self, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        """Start all, call `ready` once all listen, and stop them when `stop` is set. WorkerFailed."""
        started = [asyncio.create_task(self._start(number)) for number in range(1, self._count + 1)]
        try:
            processes = await asyncio.gather(*started)
        except BaseException:
            await asyncio.gather(*(self._end_started(task) for task in started))
            raise
        ready()
        keepers = [
            asyncio.create_task(self._keep(number, process)) for number, process in enumerate(processes, 1)
        ]
        await stop.wait()
        self._stopping.set()
        await asyncio.gather(*keepers)

    async def _start(self, number: int) -> asyncio.subprocess.Process:
        """A worker that listens. WorkerFailed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", "serve", "--worker", str(number),
            # Its end tells a worker that nobody watches it any more.
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_LIMIT):
                while line := await _stdout(process).readline():
                    if line.decode().strip() == READY:
                        return process
        except TimeoutError:
            await _end(process)
        except BaseException:
            await _end(process)
            raise
        raise WorkerFailed(f"worker {number} did not start")

    async def _keep(self, number: int, process: asyncio.subprocess.Process) -> None:
        """Start the worker again as often as it ends, until all stop."""
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while True:
            begin = loop.time()
            await self._either(process.wait())
            if self._stopping.is_set():
                await _end(process)
                return
            log.error("worker %d ended with status %s; starting it again", number, process.returncode)
            pause = FIRST_PAUSE if loop.time() - begin > LONGEST_PAUSE else min(2 * pause, LONGEST_PAUSE)
            while True:
                await self._either(asyncio.sleep(pause))
                if self._stopping.is_set():
                    return
                try:
                    process = await self._start(number)
                    break
                except WorkerFailed as failed:
                    pause = min(2 * pause, LONGEST_PAUSE)
                    log.error("%s; trying again in %g s", failed, pause)

    async def _either(self, happening: object) -> None:
        """Return when it has happened, or when all are to stop."""
        tasks = [asyncio.ensure_future(happening), asyncio.ensure_future(self._stopping.wait())]  # type: ignore[call-overload]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _end_started(self, task: asyncio.Task[asyncio.subprocess.Process]) -> None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and task.exception() is None:
            await _end(task.result())


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let the worker answer what it has accepted; kill it if that takes too long."""
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_LIMIT):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _stdout(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise RuntimeError("the worker has no standard output")
    return process.stdout
