from __future__ import annotations

from typing import Any

import pytest

from models.action import Action
from models.actor import Actor
from models.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from models.journal import ORG, Commit
from models.ports import StorageLost
from models.team import member_id
from models.user import team_roles
from tests.handlers.places import done
from tests.kit import CoreKit


@pytest.fixture
async def admin(core: CoreKit) -> Actor:
    actor = await core.actor("root", roles=[("admin", "org")])
    await core.act(actor, "team.create", {"team_id": "t1", "name": "Sports day"})
    await core.act(actor, "team.create", {"team_id": "t2", "name": "Library"})
    return actor


@pytest.fixture
async def lead(core: CoreKit, admin: Actor) -> Actor:
    return await core.actor("lead", roles=[("lead", "team:t1")])


@pytest.fixture
async def eve(core: CoreKit) -> Actor:
    return await core.actor("eve", name="Eve Example")


async def test_a_team_shows_in_its_own_room(core: CoreKit, admin: Actor) -> None:
    team = await done(core, admin, "team.create", {"name": "Chess"})
    assert team["id"].startswith("t-")
    shown = await core.storage.get(f"team:{team['id']}", "team", team["id"])
    assert (shown or {})["name"] == "Chess"


async def test_a_change_whose_answer_was_lost_shows_in_the_teams_room_once_it_is_sent_again(
    core: CoreKit, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = core.storage.append

    async def lose_the_answer(commit: Commit) -> None:
        await append(commit)
        raise StorageLost("the answer was lost")

    payload = {"team_id": "t1", "set": {"name": "Sports week"}}
    with monkeypatch.context() as trouble:
        trouble.setattr(core.storage, "append", lose_the_answer)
        await core.refused(Unavailable, admin, "team.update", payload, op_id="rename")
    again = await core.core.dispatcher.run(Action("team.update", payload, "rename", admin))
    shown = await core.storage.get("team:t1", "team", "t1")
    assert (again.duplicate, (shown or {})["name"]) == (True, "Sports week")


async def test_the_id_of_a_team_cannot_be_used_again(core: CoreKit, admin: Actor) -> None:
    error = await core.refused(Conflict, admin, "team.create", {"team_id": "t1", "name": "Chess"})
    assert (error.current or {})["name"] == "Sports day"


async def test_only_an_admin_creates_and_archives_teams(core: CoreKit, admin: Actor, lead: Actor) -> None:
    await core.refused(Forbidden, lead, "team.create", {"name": "Chess"})
    await core.refused(Forbidden, lead, "team.archive", {"team_id": "t1"})
    assert (await done(core, admin, "team.archive", {"team_id": "t1"}))["archived"] is True
    await core.refused(Forbidden, lead, "team.unarchive", {"team_id": "t1"})
    assert (await done(core, admin, "team.unarchive", {"team_id": "t1"}))["archived"] is False


async def test_a_lead_renames_the_team_and_no_other(core: CoreKit, lead: Actor) -> None:
    assert (await done(core, lead, "team.update", {"team_id": "t1", "set": {"name": "Games"}}))[
        "name"
    ] == "Games"
    for team in ("t2", "t9"):
        await core.refused(Forbidden, lead, "team.update", {"team_id": team, "set": {"name": "Games"}})


async def test_an_unknown_team_is_not_found_by_an_admin(core: CoreKit, admin: Actor, eve: Actor) -> None:
    await core.refused(NotFound, admin, "team.update", {"team_id": "t9", "set": {"name": "x"}})
    await core.refused(NotFound, admin, "team.archive", {"team_id": "t9"})
    eve_there = {"team_id": "t9", "user_id": "eve"}
    await core.refused(NotFound, admin, "team.add_member", {**eve_there, "role": "member"})
    await core.refused(NotFound, admin, "team.remove_member", eve_there)


@pytest.mark.parametrize("who", [{"user_id": "eve"}, {"email": " EVE@example.test"}])
async def test_a_lead_adds_a_member_by_id_or_by_address(
    core: CoreKit, lead: Actor, eve: Actor, who: dict[str, str]
) -> None:
    member = await done(core, lead, "team.add_member", {"team_id": "t1", "role": "member", **who})
    assert member == {
        "kind": "member",
        "id": member_id("t1", "eve"),
        "seq": member["seq"],
        "team_id": "t1",
        "user_id": "eve",
        "name": "Eve Example",
        "role": "member",
    }
    first, second = core.entries(ORG)[-2:]
    assert first.data == member
    assert (second.data["id"], second.data["roles"]) == ("eve", [{"role": "member", "scope": "team:t1"}])
    assert first.op == second.op
    shown = await core.storage.get("team:t1", "member", member["id"])
    assert (shown or {})["role"] == "member"


async def test_an_answer_about_a_member_is_the_same_when_asked_again(
    core: CoreKit, lead: Actor, eve: Actor
) -> None:
    payload = {"team_id": "t1", "user_id": "eve", "role": "member"}
    first = await core.act(lead, "team.add_member", payload, op_id="add-eve")
    again = await core.act(lead, "team.add_member", payload, op_id="add-eve")
    assert (again.data, again.seq, again.duplicate) == (first.data, first.seq, True)


async def test_who_is_in_a_team_already_gets_the_new_role(core: CoreKit, lead: Actor, eve: Actor) -> None:
    await core.act(lead, "team.add_member", {"team_id": "t1", "user_id": "eve", "role": "member"})
    member = await done(core, lead, "team.add_member", {"team_id": "t1", "user_id": "eve", "role": "lead"})
    assert member["role"] == "lead"
    user = await core.storage.get(ORG, "user", "eve")
    assert user is not None
    assert (team_roles(user), user["scopes"]) == ({"t1": "lead"}, ["team:t1"])


async def test_a_member_acts_in_the_team_at_once_and_not_longer_than_they_are_in_it(
    core: CoreKit, lead: Actor, eve: Actor
) -> None:
    task = {"team_id": "t1", "title": "Book the hall"}
    await core.refused(Forbidden, eve, "task.create", task)
    await core.act(lead, "team.add_member", {"team_id": "t1", "user_id": "eve", "role": "member"})
    await core.act(eve, "task.create", task)
    await core.act(lead, "team.remove_member", {"team_id": "t1", "user_id": "eve"})
    await core.refused(Forbidden, eve, "task.create", task)


async def test_a_removed_member_is_gone_from_both_rooms_and_the_account(
    core: CoreKit, lead: Actor, eve: Actor
) -> None:
    await core.act(lead, "team.add_member", {"team_id": "t1", "user_id": "eve", "role": "member"})
    gone = await done(core, lead, "team.remove_member", {"team_id": "t1", "user_id": "eve"})
    id = member_id("t1", "eve")
    assert gone == {"kind": "member", "id": id, "seq": gone["seq"], "deleted": True}
    assert [await core.storage.get(room, "member", id) for room in (ORG, "team:t1")] == [None, None]
    assert (await core.storage.get(ORG, "user", "eve") or {})["roles"] == []
    await core.refused(NotFound, lead, "team.remove_member", {"team_id": "t1", "user_id": "eve"})


async def test_a_removed_member_may_come_back(core: CoreKit, lead: Actor, eve: Actor) -> None:
    payload = {"team_id": "t1", "user_id": "eve", "role": "member"}
    await core.act(lead, "team.add_member", payload)
    await core.act(lead, "team.remove_member", {"team_id": "t1", "user_id": "eve"})
    await core.act(lead, "team.add_member", payload)
    shown = await core.storage.get("team:t1", "member", member_id("t1", "eve"))
    assert (shown or {})["role"] == "member"


async def test_other_roles_of_a_member_stay(core: CoreKit, admin: Actor, lead: Actor) -> None:
    both = await core.actor("both", roles=[("member", "team:t2")])
    await core.act(lead, "team.add_member", {"team_id": "t1", "user_id": both.id, "role": "lead"})
    await core.act(admin, "team.remove_member", {"team_id": "t2", "user_id": both.id})
    user = await core.storage.get(ORG, "user", "both")
    assert (user or {})["roles"] == [{"role": "lead", "scope": "team:t1"}]


@pytest.mark.parametrize("who", [{"user_id": "u-none"}, {"email": "none@example.test"}])
async def test_nobody_cannot_be_added(core: CoreKit, lead: Actor, who: dict[str, str]) -> None:
    error = await core.refused(NotFound, lead, "team.add_member", {"team_id": "t1", "role": "member", **who})
    assert list(error.fields or {}) == list(who)


async def test_a_disabled_user_cannot_be_added_but_can_be_removed(
    core: CoreKit, admin: Actor, lead: Actor, eve: Actor
) -> None:
    payload = {"team_id": "t1", "user_id": "eve", "role": "member"}
    await core.act(lead, "team.add_member", payload)
    await core.act(admin, "user.disable", {"user_id": "eve"})
    error = await core.refused(Invalid, lead, "team.add_member", payload)
    assert list(error.fields or {}) == ["user_id"]
    await core.act(lead, "team.remove_member", {"team_id": "t1", "user_id": "eve"})
    await core.act(admin, "user.enable", {"user_id": "eve"})
    assert await core.storage.get(ORG, "member", member_id("t1", "eve")) is None


async def test_an_archived_team_takes_no_new_members(
    core: CoreKit, admin: Actor, lead: Actor, eve: Actor
) -> None:
    await core.act(admin, "team.archive", {"team_id": "t1"})
    payload = {"team_id": "t1", "user_id": "eve", "role": "member"}
    error = await core.refused(Invalid, lead, "team.add_member", payload)
    assert list(error.fields or {}) == ["team_id"]


@pytest.mark.parametrize(
    ("type", "more"),
    [
        ("team.update", {"set": {"name": "Mine"}}),
        ("team.add_member", {"user_id": "eve", "role": "lead"}),
        ("team.remove_member", {"user_id": "lead"}),
    ],
)
async def test_a_member_changes_neither_the_team_nor_who_is_in_it(
    core: CoreKit, lead: Actor, type: str, more: dict[str, Any]
) -> None:
    eve = await core.actor("eve", roles=[("member", "team:t1")])
    await core.refused(Forbidden, eve, type, {"team_id": "t1", **more})


async def test_if_seq_0_holds_for_who_is_not_in_the_team_yet(core: CoreKit, lead: Actor, eve: Actor) -> None:
    payload = {"team_id": "t1", "user_id": "eve", "role": "member"}
    await core.act(lead, "team.add_member", payload, if_seq=0)
    await core.refused(Conflict, lead, "team.add_member", payload, if_seq=0)
