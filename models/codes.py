"""Attendance codes as data: what each one says of a student, who may use it, and how it is shown.

The category alone decides how a mark counts in a figure; `direction` only says whether the student is on the
school's site, which is what a list for an evacuation needs. A colour is never the only sign: it stands beside
the code itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Direction = Literal["in", "out"]
Category = Literal["present", "approved_activity", "authorised", "unauthorised", "not_possible"]
Half = Literal["morning", "afternoon"]
"""Half of a school day. A period is of the afternoon if it starts at 12:00 or later, by the school's time."""

OFFICE_ROLES = frozenset({"admin", "school_admin", "office"})
"""The roles that act on attendance with office rights."""

EVERY_MARKER = OFFICE_ROLES | {"teacher"}
"""Every role that may mark at all."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a set.

    `direction`: `in` the student is on site, `out` they are not. `category`: how the mark counts. `late`: the
    mark may carry minutes. `half`: the half of the day that it is for, None: both; it is offered in no
    other, and a mark with it is accepted in any. `roles`: who may use it. `colour`: `#rrggbb`, readable as
    text on white and as the ground of white text (WCAG 2.2, 1.4.3: a contrast of 4.5 to 1 or more) and
    different from every other colour of the set.
    """

    code: str
    label: str
    direction: Direction
    category: Category
    colour: str
    late: bool = False
    half: Half | None = None
    roles: frozenset[str] = EVERY_MARKER

    def to_wire(self) -> dict[str, str | bool | list[str] | None]:
        """The code as clients see it."""
        return {
            "code": self.code,
            "label": self.label,
            "direction": self.direction,
            "category": self.category,
            "late": self.late,
            "half": self.half,
            "roles": sorted(self.roles),
            "colour": self.colour,
        }


class CodeSet:
    """The codes that a school uses, in the order in which they are offered. `excused`: that of a planned
    absence of which nothing else is said.
    """

    def __init__(self, name: str, label: str, codes: Iterable[Code], *, excused: str) -> None:
        self.name = name
        self.label = label
        self.excused = excused
        self.codes = MappingProxyType({code.code: code for code in codes})

    def get(self, code: str) -> Code | None:
        """The code of this set, or None."""
        return self.codes.get(code)

    def allowed(self, roles: Set[str]) -> list[str]:
        """What somebody with these roles may mark with, in the order of the set."""
        return [code.code for code in self.codes.values() if code.roles & roles]


# The five colours also keep apart for people who see no red, no green or no blue.
_SIMPLE = CodeSet(
    "simple",
    "Simple",
    [
        Code("P", "Present", "in", "present", "#207e5d"),
        Code("L", "Late", "in", "present", "#5c300b", late=True),
        Code("A", "Absent", "out", "unauthorised", "#db1d1d"),
        Code("E", "Excused", "out", "authorised", "#9327b9"),
        Code("O", "Off-site activity", "out", "approved_activity", "#204069"),
    ],
    excused="E",
)


def _office(code: str, label: str, category: Category, colour: str) -> Code:
    return Code(code, label, "out", category, colour, roles=OFFICE_ROLES)


# Letters and meanings: School Attendance (Pupil Registration) (England) Regulations 2024, regulation 10, in
# force since 19 August 2024, and "Working together to improve school attendance" (Department for Education,
# August 2024). Decided here:
# - D, X, Z and # are `not_possible`. Regulation 10 lists D with the places other than the school, but a
#   session at the other school is counted there: the Department's "Guide to absence statistics" and the
#   schools' own systems leave D, X, Y, Z and # out of the possible sessions, so that nobody is counted twice.
#   X: not of compulsory school age and not required. Z: not on the admission register yet. #: closed as
#   planned.
# - Q and Y1 to Y7 are neither attendance nor absence: the pupil was unable to attend for a reason that is not
#   theirs.
# - U is an unauthorised absence although the pupil is in school; it counts with L among the late sessions, so
#   it may carry minutes.
# - Teachers record what they see (/ \ L U) or that they know no reason yet (N). Whether an absence is
#   authorised, or an activity approved, is for the school to decide (regulations 10 and 11), so the other
#   codes are the office's.
_ENGLAND = CodeSet(
    "england",
    "England (from August 2024)",
    [
        Code("/", "Present in the morning", "in", "present", "#092d02", half="morning"),
        Code("\\", "Present in the afternoon", "in", "present", "#427a17", half="afternoon"),
        Code("L", "Late, before the register closed", "in", "present", "#3c7d63", late=True),
        _office("K", "Education arranged by the local authority", "approved_activity", "#206ce7"),
        _office("V", "Educational visit or trip", "approved_activity", "#14154d"),
        _office("P", "Sporting activity", "approved_activity", "#061d9d"),
        _office("W", "Work experience", "approved_activity", "#4665ae"),
        _office("B", "Other approved educational activity", "approved_activity", "#184998"),
        _office("D", "Dual registered, at the other school", "not_possible", "#825e93"),
        _office("C", "Leave in exceptional circumstances", "authorised", "#4b4836"),
        _office("C1", "Leave for a regulated performance or employment abroad", "authorised", "#67310d"),
        _office("C2", "Part-time timetable", "authorised", "#847514"),
        _office("M", "Medical or dental appointment", "authorised", "#97400d"),
        _office("T", "Parent travelling for work", "authorised", "#3f3112"),
        _office("R", "Religious observance", "authorised", "#aa5f04"),
        _office("I", "Illness", "authorised", "#704f41"),
        _office("J1", "Interview for a job or a place at another school", "authorised", "#886657"),
        _office("S", "Study leave", "authorised", "#2b1b13"),
        _office("E", "Suspended or excluded, no other provision yet", "authorised", "#64590d"),
        _office("Q", "Lack of access arrangements", "not_possible", "#bd2d9a"),
        _office("Y1", "Transport not available", "not_possible", "#523e82"),
        _office("Y2", "Widespread disruption to travel", "not_possible", "#6044b5"),
        _office("Y3", "Part of the premises closed", "not_possible", "#3c0d35"),
        _office("Y4", "School unexpectedly closed", "not_possible", "#3b3445"),
        _office("Y5", "In the criminal justice system", "not_possible", "#7a2de5"),
        _office("Y6", "Public health guidance or law", "not_possible", "#8c399e"),
        _office("Y7", "Another unavoidable cause", "not_possible", "#732679"),
        _office("G", "Holiday not granted", "unauthorised", "#a45a72"),
        Code("N", "No reason yet", "out", "unauthorised", "#d02e1e"),
        _office("O", "Other or unknown circumstances", "unauthorised", "#9f0c54"),
        Code("U", "Late, after the register closed", "in", "unauthorised", "#c43766", late=True),
        _office("X", "Not of compulsory school age, not required", "not_possible", "#a12dde"),
        _office("Z", "Not yet on the admission register", "not_possible", "#5d1252"),
        _office("#", "Planned closure", "not_possible", "#370c6f"),
    ],
    # Leave that the school has granted beforehand, for whatever reason.
    excused="C",
)

CODE_SETS = MappingProxyType({each.name: each for each in (_SIMPLE, _ENGLAND)})
"""The sets that a school can choose from, by name."""


def code_set(name: str) -> CodeSet:
    """The set with this name. KeyError where there is none: a school's `code_set` is checked when it is
    set.
    """
    return CODE_SETS[name]
