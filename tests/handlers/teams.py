"""A team, the people around it, and its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.actor import Actor
from models.journal import ORG, Record
from models.team import member_record, team_record
from tests.kit import CoreKit


@dataclass(frozen=True)
class Team:
    """The team `t1`: an admin, its lead and two members, and somebody who has a role elsewhere only."""

    core: CoreKit
    admin: Actor
    lead: Actor
    ann: Actor
    bob: Actor
    stranger: Actor

    async def done(self, actor: Actor, type: str, **payload: Any) -> Record:
        """Run an action; the record that it is about."""
        ack = await self.core.act(actor, type, payload)
        assert isinstance(ack.data, dict)
        return ack.data

    async def create(self, title: str = "Buy chalk", *, by: Actor | None = None, **fields: Any) -> Record:
        """A new task, by default the lead's."""
        return await self.done(by or self.lead, "task.create", **{"team_id": "t1", "title": title, **fields})

    async def task(self, task_id: str) -> Record | None:
        """The task as it is stored."""
        return await self.core.storage.get("team:t1", "task", task_id)


async def member(core: CoreKit, team_id: str, user_id: str, role: str = "member") -> Actor:
    """A user with a role in the team, and the membership that belongs to it."""
    actor = await core.actor(user_id, roles=[(role, f"team:{team_id}")], name=user_id.title())
    user = {"id": actor.id, "name": actor.name}
    await core.put(ORG, member_record(team_id, user, role))
    return actor


async def open_team(core: CoreKit) -> Team:
    """The team `t1`, and an empty one, `t2`."""
    await core.put(ORG, team_record("t1", "Science"))
    await core.put(ORG, team_record("t2", "Sports"))
    team = Team(
        core=core,
        admin=await core.actor("root", roles=[("admin", ORG)]),
        lead=await member(core, "t1", "lead", "lead"),
        ann=await member(core, "t1", "ann"),
        bob=await member(core, "t1", "bob"),
        stranger=await member(core, "t2", "stranger", "lead"),
    )
    await core.check()
    return team
