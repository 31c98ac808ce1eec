"""Everybody who is connected to one server, and measuring it under their load."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter, process_time

from bench.cores import cpu_seconds, generator_core, pin
from bench.load import Dashboard, Load, Samples, Writer, closed_loop, open_loop
from bench.servers import Server, Size, teacher_token, viewer_token
from bench.socket_client import connect
from tests.parts.process import HOST

SEED = 20260302
LONGEST, LOOK = 30.0, 0.05
"""Seconds for the first acknowledgement of a round, and between two looks."""


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of `seconds`. CPU shares are of one core, 0 to 1.

    `acked`: within these seconds; the samples also hold the latencies of what was answered later.
    """

    seconds: float
    samples: Samples
    acked: int
    server_cpu: float
    generator_cpu: float

    @property
    def rate(self) -> float:
        """Acknowledged marks per second."""
        return self.acked / self.seconds

    @property
    def cpu_per_mark(self) -> float:
        """Microseconds of the server's processor time for each mark."""
        return self.server_cpu * self.seconds / self.acked * 1e6


@dataclass(frozen=True, slots=True)
class Crowd:
    """The connected writers and dashboards of a server."""

    server: Server
    load: Load
    writers: list[Writer]
    dashboards: list[Dashboard]

    async def closed(self, in_flight: int, warm_up: float, seconds: float, *, fewest: int = 1) -> Round:
        """As many marks as the server takes, with so many of each writer in flight.

        It takes longer until `fewest` are acknowledged. RuntimeError if they never are, or one was refused.
        """
        await closed_loop(self.load, self.writers, in_flight)
        await asyncio.sleep(warm_up)
        measured = await self._measure(asyncio.sleep(seconds), fewest)
        self.load.sending = False
        await self._settle()
        return measured

    async def paced(self, rate: float, warm_up: float, seconds: float) -> Round:
        """So many marks a second, whatever the answers do."""
        await open_loop(self.load, self.writers, rate, warm_up)
        measured = await self._measure(open_loop(self.load, self.writers, rate, seconds))
        await self._settle()
        return measured

    async def _measure(self, work: Coroutine[None, None, None], fewest: int = 1) -> Round:
        pid = self.server.child.pid
        self.load.begin()
        begin, generator, server = perf_counter(), process_time(), cpu_seconds(pid)
        await work
        samples = self.load.samples
        while samples.acked < fewest:
            if perf_counter() > begin + LONGEST:
                raise RuntimeError(f"{self.server.name} acknowledged {samples.acked} in {LONGEST:.0f} s")
            await asyncio.sleep(LOOK)
        seconds = perf_counter() - begin
        generator, server = process_time() - generator, cpu_seconds(pid) - server
        return Round(seconds, samples, samples.acked, server / seconds, generator / seconds)

    async def _settle(self) -> None:
        """Wait for the last answers and pushes. RuntimeError if anything was refused."""
        await self.load.drained(len(self.dashboards))
        if self.load.refused:
            raise RuntimeError(f"{self.server.name} refused {len(self.load.refused)}: {self.load.refused[0]}")


@asynccontextmanager
async def crowd(server: Server, size: Size, only: Sequence[str] = ()) -> AsyncIterator[Crowd]:
    """Connect everybody; from now on this process stays on the generator's core.

    `only`: the classes whose teachers come, if not all; no dashboards come with them.
    """
    pin(os.getpid(), generator_core())
    load = Load(SEED)
    class_ids = only or size.class_ids
    school_ids = [] if only else size.school_ids
    writers = [Writer(load, class_id, size.students) for class_id in class_ids]
    dashboards = [Dashboard(load) for _ in school_ids]
    try:
        for writer, class_id in zip(writers, class_ids, strict=True):
            token = teacher_token(server, class_id)
            writer.client = await connect(writer, HOST, server.port, token=token, greeting=server.greeting)
        for dashboard, school_id in zip(dashboards, school_ids, strict=True):
            token = viewer_token(server, school_id)
            dashboard.client = await connect(
                dashboard, HOST, server.port, token=token, greeting=server.greeting
            )
            dashboard.subscribe(f"school:{school_id}")
            async with asyncio.timeout(10):
                await dashboard.subscribed
        yield Crowd(server, load, writers, dashboards)
    finally:
        for client in [one.client for one in writers] + [one.client for one in dashboards]:
            if client is not None:
                client.close()
