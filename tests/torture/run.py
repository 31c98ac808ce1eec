"""A run: a cluster, a crowd, a nemesis, and the verdict."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from bench.servers import Size
from tests.torture.cluster import Cluster, Node, cluster
from tests.torture.crowd import Crowd, Tokens, places, task_ids
from tests.torture.idler import Idler
from tests.torture.journal import Journal, check_records, check_view, read_journal
from tests.torture.nemesis import Nemesis
from tests.torture.recovery import Recovery
from tests.torture.report import Report
from tests.torture.schedule import TARGETS, Storm, Target, storms
from tests.torture.stored import Stored, stored
from tests.torture.traffic import ORDINARY, Manner
from tests.torture.violations import Violations
from tests.waiting import until

ADMIN = "admin@demo.test"
LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tortured, for how long, and by how many.

    `rate`: new actions a second, of all writers together, sent in this `manner`. Seconds that it may take:
    `begin` until everybody is connected, `finish` until every action has its answer, `settle` until viewers
    have all in the end. `faults`: whether the nemesis comes. `database_url`: an empty database on a
    server that goes on; None: a server of its own. `module` runs in the place of `app`, with `env`.
    """

    seed: int
    seconds: float
    nodes: int = 3
    with_redis: bool = True
    subscribers: int = 60
    writers: int = 12
    rate: float = 300.0
    begin: float = 30.0
    finish: float = 60.0
    settle: float = 10.0
    faults: bool = True
    manner: Manner = ORDINARY
    size: Size = field(default_factory=lambda: Size(schools=4, classes=2, students=10))
    database_url: str | None = None
    memory: str = "512m"
    module: str = "app"
    env: dict[str, str] = field(default_factory=dict)


async def torture(plan: Plan, folder: Path, tell: Callable[[str], None] = lambda line: None) -> Report:
    """Run it. What went wrong is in the report."""
    day = str(datetime.now(UTC).date())
    violations = Violations()
    async with cluster(
        folder,
        plan.size,
        nodes=plan.nodes,
        with_redis=plan.with_redis,
        database_url=plan.database_url,
        memory=plan.memory,
        module=plan.module,
        env=plan.env,
    ) as nodes:
        where = places(plan.size)
        emails = {
            email for place in where for email in (place.viewer, *(email for email, _ in place.writers))
        }
        tokens = Tokens(nodes.doors, sorted({*emails, ADMIN}))
        await tokens.get()
        with stored(nodes.database_url) as storage:
            tasks = {place.room: task_ids(list(storage.records(place.room).values())) for place in where}
            crowd = Crowd(
                seed=plan.seed,
                size=plan.size,
                day=day,
                doors=nodes.doors,
                tokens=tokens,
                tasks=tasks,
                subscribers=plan.subscribers,
                writers=plan.writers,
                violations=violations,
            )
            run = Run(plan, nodes, crowd, violations, day, tokens, tell)
            async with run.everybody():
                await run.storm()
                await run.finish()
                return await run.judge(storage)


class Run:
    """A run under way."""

    def __init__(
        self,
        plan: Plan,
        nodes: Cluster,
        crowd: Crowd,
        violations: Violations,
        day: str,
        tokens: Tokens,
        tell: Callable[[str], None],
    ) -> None:
        self._tokens = tokens
        self._plan = plan
        self._nodes = nodes
        self._crowd = crowd
        self._violations = violations
        self._day = day
        self._tell = tell
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._recovery = Recovery(crowd, violations)
        self._nemesis = Nemesis(nodes, crowd.conduct, self._idler, random.Random(plan.seed))
        self._writing: list[asyncio.Task[None]] = []
        self._written = 0.0

    @asynccontextmanager
    async def everybody(self) -> AsyncIterator[None]:
        """Everybody connected and writing, as long as the context lasts; a failure of any of them ends it."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (*self._crowd.runs(), self._tokens.renew())]
            tasks.append(group.create_task(self._nemesis.eavesdrop()))
            await self._until(lambda: all(view.is_live for view in self._crowd.views), self._plan.begin)
            self._began = self._clock()
            self._crowd.conduct.manner = self._plan.manner
            rate = self._plan.rate / len(self._crowd.writers)
            self._writing = [group.create_task(writer.write(rate)) for writer in self._crowd.writers]
            try:
                yield
            finally:
                for task in (*tasks, *self._writing):
                    task.cancel()

    async def storm(self) -> None:
        """One storm after the other, until the time is over."""
        end = self._began + self._plan.seconds
        if not self._plan.faults:
            await asyncio.sleep(self._plan.seconds)
        missing: set[Target] = set()
        if self._nodes.storage is None:
            missing = {"storage"}
        if self._nodes.redis is None:
            missing |= {"Redis", "Redis link"}
        targets = [target for target in TARGETS if target not in missing]
        schedule = storms(self._plan.seed, self._plan.nodes, targets)
        for storm in takewhile(lambda storm: self._clock() < end, schedule):
            await asyncio.sleep(storm.pause)
            await self._nemesis.rage(storm)
            await self._recovery.wait()
            self._tell(self._progress(storm))

    async def finish(self) -> None:
        """No more actions; wait until each has its answer."""
        for task in self._writing:
            task.cancel()
        self._written = self._clock() - self._began
        await self._until(
            lambda: not any(writer.pending for writer in self._crowd.writers), self._plan.finish
        )

    async def judge(self, storage: Stored) -> Report:
        """Hold what everybody has against what is stored."""
        violations = self._violations
        sent = {writer.sent.name: writer.sent for writer in self._crowd.writers}
        journals: dict[str, Journal] = {}
        for name, room in self._crowd.rooms.items():
            journals[name] = await asyncio.to_thread(
                read_journal, room, storage.entries(name), sent, violations
            )
        await self._settle(storage, journals)
        for view in self._crowd.views:
            check_view(view, journals[view.room.room], self._day, violations)
        for name, journal in journals.items():
            check_records(name, journal, storage.records(name), violations)
        await self._nemesis.end()
        for node in self._nodes.nodes:
            node.gather_errors()
        return self._report(journals)

    async def _settle(self, storage: Stored, journals: dict[str, Journal]) -> None:
        """Give everybody as long as they may take. Whoever has not settled then is told by the checks."""

        def is_settled() -> bool:
            scratch = Violations()
            for view in self._crowd.views:
                check_view(view, journals[view.room.room], self._day, scratch)
                if scratch:
                    return False
            return storage.unprojected() == 0

        with suppress(TimeoutError):
            async with asyncio.timeout(self._plan.settle):
                while True:
                    if is_settled():
                        return
                    await asyncio.sleep(LOOK)

    def _idler(self, node: Node, pongs: bool) -> Idler:
        """One who watches everything: the more there is to read, the sooner it shows that nobody does."""
        where = places(self._plan.size)
        topics = sorted({topic for place in where for watched in place.watched for topic in watched})
        token = self._tokens.of(ADMIN)()
        return Idler(node.server.url, token, topics, pongs=pongs)

    async def _until(self, condition: Callable[[], bool], limit: float) -> None:
        """Wait for it; a violation if it does not come true."""
        try:
            await until(condition, limit)
        except AssertionError as late:
            self._violations.add("diverged", str(late))

    def _progress(self, storm: Storm) -> str:
        report = self._report({})
        seconds, faults = self._clock() - self._began, sum(report.faults.values())
        return (
            f"{seconds:6.1f} s: {faults} faults, {report.acknowledged} of {report.actions} acknowledged, "
            f"{dict(self._violations.counts) or 'no violations'}; "
            + ", ".join(fault.kind for fault in storm.faults)
        )

    def _report(self, journals: dict[str, Journal]) -> Report:
        crowd = self._crowd
        sent = [writer.sent for writer in crowd.writers]
        return Report(
            seed=self._plan.seed,
            nodes=self._plan.nodes,
            subscribers=len(crowd.subscribers),
            writers=len(crowd.writers),
            seconds=self._written,
            faults=dict(self._nemesis.done),
            idlers={str(end): count for end, count in self._nemesis.ends.items()},
            actions=sum(each.count for each in sent),
            acknowledged=sum(each.acknowledged for each in sent),
            sends=sum(writer.sends for writer in crowd.writers),
            unavailable=sum(writer.unavailable for writer in crowd.writers),
            connections=sum(
                link.connections
                for links in ([s.link for s in crowd.subscribers], *(w.links for w in crowd.writers))
                for link in links
            ),
            entries=sum(journal.head for journal in journals.values()),
            recovered=sum(journal.recovered for journal in journals.values()),
            updates=sum(view.updates for view in crowd.views),
            resyncs=sum(view.resyncs for view in crowd.views),
            waits=crowd.waits,
            staleness=crowd.staleness,
            viewers=self._recovery.viewers,
            answers=self._recovery.writers,
            errors=[line for node in self._nodes.nodes for line in node.errors],
            violations=self._violations,
        )
