"""Who acts: the authenticated user with their role assignments, and where a role counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.journal import ORG, Record

ROLE_SCOPES: dict[str, str] = {
    "admin": "org",
    "school_admin": "school",
    "office": "school",
    "viewer": "school",
    "teacher": "class",
    "lead": "team",
    "member": "team",
}
"""Every role, with the noun of the scope it is assigned in."""

EVERYBODY = "everybody"
"""Stands in a list of roles for any signed-in user."""


@dataclass(frozen=True, slots=True)
class Actor:
    """An authenticated user. `roles` are `(role, scope)`, scopes as `org`, `school:s1`, `class:s1-c1`,
    `team:t1`.
    """

    id: str
    name: str
    roles: tuple[tuple[str, str], ...]
    disabled: bool = False
    session_id: str | None = None

    def roles_in(self, scopes: Iterable[str]) -> set[str]:
        """The roles held in any of the scopes."""
        wanted = frozenset(scopes)
        return {role for role, scope in self.roles if scope in wanted}

    def scopes_of(self, *roles: str) -> list[str]:
        """The scopes in which one of the roles is held, in the order of assignment, each once."""
        return list(dict.fromkeys(scope for role, scope in self.roles if role in roles))

    @property
    def is_admin(self) -> bool:
        return ("admin", ORG) in self.roles


SYSTEM = Actor("system", "Rollcall", (("admin", ORG),))
"""Acts for the server itself: internal actions, imports, the command line. Never the outcome of a sign-in."""


def actor_of(user: Record, session_id: str | None = None) -> Actor:
    """The actor that a `user` record describes. A role in a scope that it is not made for counts nowhere."""
    roles = tuple(
        (assignment["role"], assignment["scope"])
        for assignment in user["roles"]
        if ROLE_SCOPES.get(assignment["role"]) == assignment["scope"].partition(":")[0]
    )
    return Actor(user["id"], user["name"], roles, bool(user.get("disabled")), session_id)
