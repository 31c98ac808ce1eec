from pathlib import Path

from app.demo.loader import Draft, Loader
from app.demo.plan import Size
from models.journal import ORG
from models.ports import Loaded
from tests.app.demo.kit import load, recording_kit
from tests.kit import CoreKit


async def test_large_parts_are_bulk_commits_of_at_most_500_entries(tmp_path: Path) -> None:
    async with recording_kit(tmp_path / "demo.db") as (kit, storage):
        await load(kit, Size(1, 10, 30, 0), history=1)
        of_school = [commit for commit in storage.appended if commit.room == "school:s1"]
    copies = [commit for commit in of_school if not commit.bulk]
    assert [entry.data["kind"] for commit in copies for entry in commit.entries] == ["school"]
    sizes = [len(commit.entries) for commit in of_school if commit.bulk]
    assert max(sizes) <= 500
    assert len(sizes) <= 8


async def test_another_node_may_append_meanwhile(core: CoreKit) -> None:
    loader = Loader(core.storage, core.clock)
    record = {"kind": "team", "id": "t9", "name": "Ours", "archived": False}
    asked: list[int] = []

    async def decide(loaded: Loaded) -> list[Draft]:
        asked.append(loaded.head)
        if len(asked) == 1:
            await core.put(ORG, {**record, "name": "Theirs"})
        return [Draft("team.create", record)] if loaded.records["team", "t9"] is None else []

    assert await loader.append(ORG, [("team", "t9")], decide) == 0
    assert asked == [0, 1]
    team = await core.storage.get(ORG, "team", "t9")
    assert team is not None
    assert team["name"] == "Theirs"
