"""Loads the demo into a node's storage. What is there already stays as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from app.demo.absences import plan_absences
from app.demo.accounts import AccountLoader
from app.demo.actions import act
from app.demo.history import SchoolHistory
from app.demo.loader import AT_ONCE, Advance, Draft, Loader, in_parts, missing
from app.demo.passwords import DEMO_PASSWORD
from app.demo.plan import PERIODS, Size, Step, accounts, directory_steps, school_steps, team_steps
from app.demo.tasks import add_tasks
from handlers.core import Core
from models.journal import ORG
from models.ports import Clock, Credentials, Loaded, Passwords, StorageLost
from models.query import query
from models.user import check_password

SCHOOLS_AT_ONCE = 4
SETTLE_LIMIT = 300.0
"""Seconds that consumers may take to follow; they go on at the next start of a server."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `Demo.load` has changed: entries written, and passwords of earlier accounts replaced."""

    entries: int = 0
    passwords: int = 0


class _FiguresThere(Exception):
    """There are tallies and summaries, which must follow what is added."""


class Demo:
    """The demo of one size on one node.

    May be interrupted and run again; a larger one adds to a smaller one. StorageLost, and RollcallError where
    something that somebody has changed is in the way.
    """

    def __init__(
        self, size: Size, *, core: Core, credentials: Credentials, passwords: Passwords, clock: Clock
    ) -> None:
        self._size = size
        self._core = core
        self._passwords = passwords
        self._clock = clock
        self._loader = Loader(core.storage, clock)
        self._accounts = AccountLoader(
            self._loader, core=core, credentials=credentials, passwords=passwords, clock=clock
        )

    async def is_empty(self) -> bool:
        """Whether the storage holds no school, team or user at all."""
        return (await self._core.storage.heads([ORG]))[ORG] == 0

    def total(self, history: int) -> int:
        """How much `load` reports as done in the end."""
        size = self._size
        directory = size.schools * size.classes * (1 + 2 * size.students)
        registers = history * size.schools * size.classes * len(PERIODS)
        return size.schools + directory + sum(1 for _ in accounts(size)) + 2 * size.teams + registers

    async def load(
        self, *, password: str | None, history: int, advance: Advance, absences: bool = False
    ) -> Outcome:
        """Add what is missing, marks of the newest `history` school days before today, and, if wanted, some
        planned `absences` after today in each school.

        `password`: of new accounts, and of those that still have the demo password. None: the demo password,
        for the new ones. Invalid for one that breaks the rules. When this returns, every room shows what
        belongs to it.
        """
        check_password(password or DEMO_PASSWORD, email="", name="")
        size = self._size
        password_hash = await self._passwords.hash(password or DEMO_PASSWORD)
        replaced = 0
        if password not in (None, DEMO_PASSWORD):
            replaced = await self._accounts.replace_demo_password(password_hash)
        steps = [*school_steps(size), *team_steps(size)]
        entries = await self._loader.add_missing(ORG, _drafts(steps), advance)
        for some in in_parts(size.school_ids, SCHOOLS_AT_ONCE):
            entries += sum(await asyncio.gather(*(self._load_directory(id, advance) for id in some)))
        entries += await self._accounts.add_missing(accounts(size), password_hash, advance)
        await self._settle()
        for team_id in size.team_ids:
            entries += await add_tasks(self._core, team_id, self._clock.now().date())
            advance(1)
        for school_id in size.school_ids if absences else ():
            entries += await plan_absences(self._core, school_id, size, self._clock.now().date())
        for some in in_parts(size.school_ids if history else (), SCHOOLS_AT_ONCE):
            entries += sum(await asyncio.gather(*(self._load_history(id, history, advance) for id in some)))
        await self._settle()
        return Outcome(entries, replaced)

    async def _settle(self) -> None:
        """Let the consumers of journals follow: copies in the rooms that show them, notifications."""
        try:
            async with asyncio.timeout(SETTLE_LIMIT):
                await self._core.consumers.open()
                await self._core.consumers.idle()
        except TimeoutError:
            raise StorageLost(
                f"rooms did not follow within {SETTLE_LIMIT:g} s; run the command again"
            ) from None

    async def _load_directory(self, school_id: str, advance: Advance) -> int:
        written = 0
        for some in in_parts(directory_steps(self._size, school_id), AT_ONCE):
            written += await self._load_steps(school_id, some)
            advance(len(some))
        return written

    async def _load_steps(self, school_id: str, steps: list[Step]) -> int:
        """Write what is missing; by actions once there are figures, which follow an enrolment."""
        room = f"school:{school_id}"
        drafts = _drafts(steps)
        absent: list[Draft] = []

        async def decide(loaded: Loaded) -> list[Draft]:
            absent[:] = missing(drafts, loaded)
            if absent and await self._has_figures(school_id):
                raise _FiguresThere
            return absent

        try:
            return await self._loader.append(room, [draft.key for draft in drafts], decide)
        except _FiguresThere:
            keys = {draft.key for draft in absent}
            for step, draft in zip(steps, drafts, strict=True):
                if draft.key in keys:
                    await act(self._core, step.type, step.payload)
            return len(keys)

    async def _has_figures(self, school_id: str) -> bool:
        return bool(await self._core.storage.find(query("summary", school_id=school_id, limit=1)))

    async def _load_history(self, school_id: str, days: int, advance: Advance) -> int:
        history = SchoolHistory(
            school_id, self._size, loader=self._loader, storage=self._core.storage, clock=self._clock
        )
        return await history.load(days, advance)


def _drafts(steps: Iterable[Step]) -> list[Draft]:
    return [Draft(step.type, step.record) for step in steps]
