"""What Rollcall's database holds before a fan-out benchmark: teams with a task, and signed-in users."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import cast

import jwt

from app.demo.actions import act
from app.demo.loader import AT_ONCE, Draft, Loader, in_parts
from app.demo.plan import Size as DemoSize
from app.demo.plan import accounts
from app.main import Node
from app.tokens import ALGORITHM
from bench.servers import KEY_ID, demo_node
from models.clock import rfc3339
from models.journal import ORG, Record
from models.ports import Loaded
from models.user import user_record

ADMIN = "u-admin"

LIFETIME = timedelta(hours=1)
"""Of the tokens: longer than a run, so that none ends during it."""

DEMO = DemoSize(schools=1, classes=8, students=25, teams=0)

STUDENTS = 25
"""Of the one class of each school of `populate_schools`."""


@dataclass(frozen=True, slots=True)
class Population:
    """`secret` is the key of the tokens; `tasks`: the id of a task for the topic of each team."""

    secret: str
    tokens: list[str]
    tasks: dict[str, str]


def team_topic(number: int) -> str:
    """The topic of a team."""
    return f"team:t{number}"


async def populate(database_url: str, *, teams: Sequence[int] = (), users: int = 0) -> Population:
    """Write the demo of one school, these teams with one task each, and viewers of the school.

    The tokens are those of the viewers, each with a session of their own; without viewers, one of the
    administrator.
    """
    secret = token_hex(32)
    async with demo_node(database_url, DEMO) as node:
        ids = await _add_viewers(node, ["s1"] * users) if users else [ADMIN]
        tokens = await _sign_in(node, ids, secret)
        tasks = dict([await _add_team(node, number) for number in teams])
    return Population(secret, tokens, tasks)


async def populate_schools(database_url: str, schools: int, viewers: int) -> Population:
    """Write schools of one class, with so many viewers each.

    The tokens are those of the classes' teachers, school after school, and then those of the viewers: all of
    the first school, all of the second, and so on.
    """
    secret = token_hex(32)
    size = DemoSize(schools, classes=1, students=STUDENTS, teams=0)
    async with demo_node(database_url, size) as node:
        teachers = [account.id for account in accounts(size) if account.role == "teacher"]
        ids = await _add_viewers(node, [id for id in size.school_ids for _ in range(viewers)])
        return Population(secret, await _sign_in(node, teachers + ids, secret), {})


async def _add_viewers(node: Node, school_ids: Sequence[str]) -> list[str]:
    """Add a viewer for each of the schools, which may be named more than once; their ids."""
    at = rfc3339(node.clock.now())
    users = [
        user_record(
            f"u-viewer-{number}",
            email=f"viewer{number}@{school_id}.demo.test",
            name=f"Viewer {number}",
            roles=[{"role": "viewer", "scope": f"school:{school_id}"}],
            school_of={},
            created_at=at,
        )
        for number, school_id in enumerate(school_ids, 1)
    ]
    loader = Loader(node.storage, node.clock)
    for some in in_parts(users, AT_ONCE):

        async def decide(loaded: Loaded, some: list[Record] = some) -> list[Draft]:
            return [Draft("user.create", user) for user in some]

        await loader.append(ORG, (), decide)
    return [user["id"] for user in users]


async def _sign_in(node: Node, ids: Sequence[str], secret: str) -> list[str]:
    tokens: list[str] = []
    for some in in_parts(ids, AT_ONCE):
        tokens += await asyncio.gather(*(_signed_in(node, id, secret) for id in some))
    return tokens


async def _signed_in(node: Node, user_id: str, secret: str) -> str:
    """The access token of a new session (claims: design, section 8)."""
    session_id = node.ids.new("s")
    await act(node.core, "user.login", {"user_id": user_id, "session_id": session_id})
    now = datetime.now(UTC)
    claims = {"sub": user_id, "sid": session_id, "iat": now, "exp": now + LIFETIME}
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers={"kid": KEY_ID})


async def _add_team(node: Node, number: int) -> tuple[str, str]:
    """The topic of a new team, and the id of its task."""
    team_id = f"t{number}"
    await act(node.core, "team.create", {"team_id": team_id, "name": f"Team {number}"})
    created = await act(node.core, "task.create", {"team_id": team_id, "title": "Talk"})
    return team_topic(number), cast("Record", created.data)["id"]
