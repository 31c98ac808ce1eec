"""Random sequences of actions, sent one by one or many at once, do what a plain model in a few dicts does."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.action import Ack
from models.errors import RollcallError
from models.journal import Record
from models.query import query
from tests.kit import CoreKit, open_kit
from tests.school import TODAY, make_school

Step = tuple[str, str, dict[str, Any]]
"""Who, which action, and its payload without class and date; task ids are numbers in the order of
creation."""

STUDENTS = ("s1-c1-p1", "s1-c1-p2", "s1-c1-p3")
sheets = st.fixed_dictionaries({"period": st.sampled_from("12")})
students = st.sampled_from(STUDENTS)
markers = st.sampled_from(["teacher", "office"])
codes = st.sampled_from("PALEX")

attendance = st.one_of(
    st.tuples(
        markers,
        st.just("attendance.mark"),
        st.builds(
            lambda s, i, c: {**s, "student_id": i, "code": c}, sheets, students | st.just("nobody"), codes
        ),
    ),
    st.tuples(
        markers, st.just("attendance.clear"), st.builds(lambda s, i: {**s, "student_id": i}, sheets, students)
    ),
    st.tuples(
        markers,
        st.just("attendance.mark_all"),
        st.builds(lambda s, c, o: {**s, "code": c, "overwrite": o}, sheets, codes, st.booleans()),
    ),
    st.tuples(markers, st.just("attendance.take"), sheets),
    st.tuples(markers, st.just("attendance.reopen"), sheets),
)
numbers = st.integers(0, 5)
tasks = st.one_of(
    st.tuples(
        st.just("lead"), st.just("task.create"), st.fixed_dictionaries({"title": st.sampled_from("xyz")})
    ),
    st.tuples(
        st.sampled_from(["lead", "member"]),
        st.sampled_from(["task.complete", "task.reopen", "task.delete", "task.restore"]),
        st.fixed_dictionaries({"task": numbers}),
    ),
    st.tuples(
        st.just("member"),
        st.just("task.update"),
        st.builds(
            lambda n, s: {"task": n, "set": s},
            numbers,
            st.sampled_from([{"title": "u"}, {"priority": "high"}, {"title": "v", "priority": "low"}]),
        ),
    ),
)
batches = st.lists(st.lists(attendance | tasks, min_size=1, max_size=12), min_size=1, max_size=6)


class Model:
    """Marks, registers and tasks as plain dicts. Updates of tasks are based on what was there before the
    batch."""

    def __init__(self) -> None:
        self.marks: dict[tuple[str, str], tuple[str | None, str]] = {}
        self.registers: dict[str, str] = {}
        self.tasks: list[dict[str, Any]] = []

    def begin_batch(self) -> None:
        """From here on changes are ones that a based update may clash with."""
        for task in self.tasks:
            task["changed"] = set()

    def do(self, who: str, type: str, payload: dict[str, Any]) -> str:
        """The code of the refusal, or `ok`."""
        noun, verb = type.split(".")
        return str(getattr(self, f"{noun}_{verb}")(who, **payload))

    def attendance_mark(self, who: str, period: str, student_id: str, code: str) -> str:
        if code == "X" or student_id not in STUDENTS:
            return "invalid"
        if self._locked(who, period):
            return "locked"
        if self._stronger(who, period, student_id):
            return "conflict"
        self._set(who, period, student_id, code)
        return "ok"

    def attendance_clear(self, who: str, period: str, student_id: str) -> str:
        if self.marks.get((period, student_id), (None, ""))[0] is None:
            return "not_found"
        if self._locked(who, period):
            return "locked"
        if self._stronger(who, period, student_id):
            return "conflict"
        self._set(who, period, student_id, None)
        return "ok"

    def attendance_mark_all(self, who: str, period: str, code: str, overwrite: bool) -> str:
        if code == "X":
            return "invalid"
        if self._locked(who, period):
            return "locked"
        held = {student: self.marks.get((period, student), (None, "")) for student in STUDENTS}
        left = [s for s, (c, source) in held.items() if c is None or (overwrite and source != "office")]
        for student in left:
            self._set(who, period, student, code)
        return "ok" if left else "invalid"

    def attendance_take(self, who: str, period: str) -> str:
        if self.registers.get(period) == "taken":
            return "conflict"
        self.registers[period] = "taken"
        return "ok"

    def attendance_reopen(self, who: str, period: str) -> str:
        if who == "teacher":
            return "forbidden"
        state = self.registers.get(period)
        if state != "taken":
            return "not_found" if state is None else "conflict"
        self.registers[period] = "open"
        return "ok"

    def task_create(self, who: str, title: str) -> str:
        self.tasks.append(
            {"title": title, "priority": "normal", "status": "open", "gone": False, "changed": set()}
        )
        return "ok"

    def task_complete(self, who: str, task: int) -> str:
        return self._change(task, {"status": "done"})

    def task_reopen(self, who: str, task: int) -> str:
        return self._change(task, {"status": "open"})

    def task_update(self, who: str, task: int, set: dict[str, str]) -> str:
        found = self._task(task)
        if found is None or found["gone"]:
            return "not_found"
        if found["changed"] & set.keys():
            return "conflict"
        return self._change(task, set)

    def task_delete(self, who: str, task: int) -> str:
        found = self._task(task)
        if found is None or found["gone"]:
            return "not_found"
        if who == "member":
            return "forbidden"
        found["gone"] = True
        return "ok"

    def task_restore(self, who: str, task: int) -> str:
        found = self._task(task)
        if found is None:
            return "not_found"
        if not found["gone"]:
            return "conflict"
        if who == "member":
            return "forbidden"
        found["gone"] = False
        return "ok"

    def _locked(self, who: str, period: str) -> bool:
        return who == "teacher" and self.registers.get(period) == "taken"

    def _stronger(self, who: str, period: str, student: str) -> bool:
        code, source = self.marks.get((period, student), (None, ""))
        return who == "teacher" and code is not None and source == "office"

    def _set(self, who: str, period: str, student: str, code: str | None) -> None:
        self.marks[period, student] = (code, who)
        self.registers.setdefault(period, "open")

    def _task(self, number: int) -> dict[str, Any] | None:
        return self.tasks[number] if number < len(self.tasks) else None

    def _change(self, number: int, values: dict[str, str]) -> str:
        found = self._task(number)
        if found is None or found["gone"]:
            return "not_found"
        found["changed"] |= {name for name, value in values.items() if found[name] != value}
        found.update(values)
        return "ok"


class Real:
    """The same steps on a node."""

    def __init__(self, core: CoreKit) -> None:
        self.core = core
        self.ids: list[str] = []

    async def open(self) -> None:
        school = await make_school(self.core)
        await self.core.act(school.admin, "team.create", {"team_id": "t1", "name": "Team"})
        lead = await self.core.actor("u-lead", roles=[("lead", "team:t1")])
        member = await self.core.actor("u-member", roles=[("member", "team:t1")])
        self.actors = {"teacher": school.teacher, "office": school.office, "lead": lead, "member": member}

    async def do_all(self, steps: list[Step]) -> list[str]:
        """The outcome of each; all at once."""
        head = (await self.core.storage.heads(["team:t1"]))["team:t1"]
        actions = [
            (self.actors[who], type, self._payload(type, payload, head)) for who, type, payload in steps
        ]
        outcomes = await self.core.act_at_once(actions)
        for (_, type, _), outcome in zip(steps, outcomes, strict=True):
            if type == "task.create" and isinstance(outcome, Ack) and isinstance(outcome.data, dict):
                self.ids.append(outcome.data["id"])
        return [outcome.code if isinstance(outcome, RollcallError) else "ok" for outcome in outcomes]

    def _payload(self, type: str, payload: dict[str, Any], head: int) -> dict[str, Any]:
        if type.startswith("attendance."):
            return {"class_id": "s1-c1", "date": TODAY, **payload}
        if type == "task.create":
            return {"team_id": "t1", **payload}
        result: dict[str, Any] = {"task_id": self.ids[payload["task"]]}
        if type == "task.update":
            result |= {"set": payload["set"], "base_seq": head}
        return result

    async def marks(self) -> list[Record]:
        return await self.core.storage.find(query("mark", school_id="s1", date=TODAY))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(batches=batches)
def test_the_node_does_what_the_model_does(tmp_path_factory: Any, batches: list[list[Step]]) -> None:
    asyncio.run(_compare(tmp_path_factory.mktemp("node") / "rollcall.db", batches))


async def _compare(path: Path, batches: list[list[Step]]) -> None:
    async with open_kit(path) as core:
        model, real = Model(), Real(core)
        await real.open()
        for steps in batches:
            model.begin_batch()
            steps = [step for step in steps if step[2].get("task", -1) < len(model.tasks)]
            expected = [model.do(who, type, payload) for who, type, payload in steps]
            assert await real.do_all(steps) == expected
        await _same(model, real)


async def _same(model: Model, real: Real) -> None:
    marks = {(m["period"], m["student_id"]): (m["code"], m["source"]) for m in await real.marks()}
    assert marks == model.marks
    registers = await real.core.storage.find(query("register", class_id="s1-c1", date=TODAY))
    assert {register["period"]: register["state"] for register in registers} == model.registers
    counted = Counter(code for code, _ in model.marks.values() if code)
    summaries = await real.core.storage.find(query("summary", school_id="s1", date=TODAY))
    if model.registers:
        (summary,) = summaries
        assert summary["counts"] == dict(counted)
        assert summary["registers"] == {
            state: sum(s == state for s in model.registers.values()) for state in ("open", "taken")
        }
    for number, task in enumerate(model.tasks):
        stored = await real.core.storage.get("team:t1", "task", real.ids[number])
        assert (stored is None) == task["gone"]
        if stored is not None:
            assert {name: stored[name] for name in ("title", "priority", "status")} == {
                name: task[name] for name in ("title", "priority", "status")
            }
