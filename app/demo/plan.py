"""What the demo holds, as the payloads of the actions that would make it (ids: design, section 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.demo.names import class_name, person_name, school_name, team_name
from models.journal import Record
from models.school import class_record, school_record
from models.student import enrolment_record, student_in_class, student_record
from models.team import member_record, team_record
from models.user import user_record

FIRST_DAY = "2020-09-01"
"""Since when every student is in their class: before any history that somebody asks for."""

TIME_ZONE = "UTC"
CODE_SET = "simple"
SCHOOL_FIELDS = ("name", "time_zone", "code_set", "periods")
STUDENT_FIELDS = ("given_name", "family_name", "preferred_name", "external_id")

MEMBERS = 3
"""Members of each team, besides its lead."""

PERIODS = (
    {"id": "1", "name": "Period 1", "start": "09:00", "end": "09:50"},
    {"id": "2", "name": "Period 2", "start": "09:55", "end": "10:45"},
    {"id": "3", "name": "Period 3", "start": "11:05", "end": "11:55"},
    {"id": "4", "name": "Period 4", "start": "12:00", "end": "12:50"},
    {"id": "5", "name": "Period 5", "start": "13:40", "end": "14:30"},
    {"id": "6", "name": "Period 6", "start": "14:35", "end": "15:25"},
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much demo data, and the seed of its names. `classes` of each school, `students` of each class."""

    schools: int = 3
    classes: int = 8
    students: int = 25
    teams: int = 2
    seed: int = 1

    @property
    def school_ids(self) -> list[str]:
        return [f"s{number}" for number in range(1, self.schools + 1)]

    @property
    def team_ids(self) -> list[str]:
        return [f"t{number}" for number in range(1, self.teams + 1)]

    @property
    def class_numbers(self) -> range:
        return range(1, self.classes + 1)


class Step(NamedTuple):
    """An action and its payload, and the record that it makes where nothing else is."""

    type: str
    payload: dict[str, Any]
    record: Record


class Account(NamedTuple):
    """A demo account. `name` is a made-up person's, `what` says what the account is good for."""

    id: str
    email: str
    name: str
    role: str
    scope: str
    what: str


def school_steps(size: Size) -> Iterator[Step]:
    """The schools, for the room `org`."""
    for number, school_id in enumerate(size.school_ids, 1):
        school = school_record(
            school_id,
            name=school_name(size.seed, number),
            time_zone=TIME_ZONE,
            code_set=CODE_SET,
            periods=[dict(period) for period in PERIODS],
        )
        yield Step("school.create", {"school_id": school_id, **_given(school, SCHOOL_FIELDS)}, school)


def team_steps(size: Size) -> Iterator[Step]:
    """The teams, for the room `org`."""
    for number, team_id in enumerate(size.team_ids, 1):
        payload = {"team_id": team_id, "name": team_name(number)}
        yield Step("team.create", payload, team_record(team_id, payload["name"]))


def directory_steps(size: Size, school_id: str) -> Iterator[Step]:
    """The classes, students and enrolments of a school, for its own room."""
    for number in size.class_numbers:
        class_id = f"{school_id}-c{number}"
        name = class_name(number)
        yield Step(
            "class.create",
            {"school_id": school_id, "class_id": class_id, "name": name},
            class_record(class_id, school_id, name),
        )
    for number in size.class_numbers:
        for place in range(1, size.students + 1):
            yield from _student_steps(size.seed, school_id, f"{school_id}-c{number}", place)


def _student_steps(seed: int, school_id: str, class_id: str, place: int) -> Iterator[Step]:
    student_id = f"{class_id}-p{place}"
    name = person_name(seed, student_id)
    student = student_record(
        student_id,
        school_id,
        given_name=name.given,
        family_name=name.family,
        preferred_name=name.preferred,
        external_id=student_id.replace("-", "").upper(),
    )
    payload = {"school_id": school_id, "student_id": student_id, **_given(student, STUDENT_FIELDS)}
    yield Step("student.create", payload, student_in_class(student, class_id))
    yield Step(
        "enrolment.create",
        {"class_id": class_id, "student_id": student_id, "from": FIRST_DAY},
        enrolment_record(school_id, class_id, student_id, FIRST_DAY, None),
    )


def accounts(size: Size) -> Iterator[Account]:
    """The accounts, the administrator first."""
    yield _account(size.seed, "", "admin", "admin", "org", "everything, in all schools and teams")
    for school_id in size.school_ids:
        school = f"school:{school_id}"
        yield _account(size.seed, school_id, "head", "school_admin", school, f"all of school {school_id}")
        yield _account(size.seed, school_id, "office", "office", school, f"attendance in school {school_id}")
        yield _account(size.seed, school_id, "viewer", "viewer", school, f"reads school {school_id}")
        for number in size.class_numbers:
            class_id = f"{school_id}-c{number}"
            yield _account(
                size.seed, school_id, f"teacher{number}", "teacher", f"class:{class_id}", f"marks {class_id}"
            )
    for team_id in size.team_ids:
        team = f"team:{team_id}"
        yield _account(size.seed, team_id, "lead", "lead", team, f"leads team {team_id}")
        for number in range(1, MEMBERS + 1):
            yield _account(size.seed, team_id, f"member{number}", "member", team, f"member of team {team_id}")


def _account(seed: int, place: str, who: str, role: str, scope: str, what: str) -> Account:
    id = f"u-{place}-{who}" if place else f"u-{who}"
    domain = f"{place}.demo.test" if place else "demo.test"
    return Account(id, f"{who}@{domain}", person_name(seed, id).full, role, scope, what)


def _given(record: Record, fields: Sequence[str]) -> dict[str, Any]:
    return {field: record[field] for field in fields}


def account_user(account: Account, created_at: str) -> Record:
    """The account's `user` record. `created_at`: RFC 3339."""
    noun, _, id = account.scope.partition(":")
    return user_record(
        account.id,
        email=account.email,
        name=account.name,
        roles=[{"role": account.role, "scope": account.scope}],
        school_of={id: id.partition("-")[0]} if noun == "class" else {},
        created_at=created_at,
    )


def account_member(account: Account, user: Record) -> Record | None:
    """The account's place in its team; None for the others."""
    noun, _, id = account.scope.partition(":")
    return member_record(id, user, account.role) if noun == "team" else None


def is_demo_email(email: str) -> bool:
    """Whether the address is one that only demo accounts have: `.test` belongs to nobody (RFC 6761)."""
    return email.endswith(("@demo.test", ".demo.test"))
