"""Which topics an actor may subscribe to, with their names: what `ready` and `GET /api/topics` answer."""

from __future__ import annotations

from handlers.access import SCHOOL_READERS, TEAM_READERS
from handlers.dispatch.org import OrgView
from handlers.dispatch.rooms import Rooms
from models.actor import Actor
from models.journal import ORG, Record
from models.ports import Storage
from models.query import query


class Topics:
    """Lists topics: the own `user:` first, then schools and summaries, teams, a teacher's classes; an
    admin's `org` last.
    """

    def __init__(self, storage: Storage, org: OrgView, rooms: Rooms) -> None:
        self._storage = storage
        self._org = org
        self._rooms = rooms

    async def of(self, actor: Actor, limit: int = 0) -> list[dict[str, str]]:
        """`[{topic, name}]`, at most `limit` (0: all). What is archived is left out. StorageLost."""
        topics = [{"topic": f"user:{actor.id}", "name": actor.name}]
        for school in await self._records(actor, "school", SCHOOL_READERS):
            topics.append({"topic": f"school:{school['id']}", "name": school["name"]})
            topics.append({"topic": f"summary:{school['id']}", "name": school["name"]})
        teams = await self._records(actor, "team", TEAM_READERS)
        topics += [{"topic": f"team:{team['id']}", "name": team["name"]} for team in teams]
        topics += await self._classes(actor)
        if actor.is_admin:
            topics.append({"topic": ORG, "name": "Schools and teams"})
        return topics[:limit] if limit else topics

    async def _records(self, actor: Actor, kind: str, roles: tuple[str, ...]) -> list[Record]:
        if actor.is_admin:
            records: list[Record] = await self._storage.find(query(kind, room=ORG))
        else:
            ids = [scope.partition(":")[2] for scope in actor.scopes_of(*roles)]
            found = [await self._org.get(kind, id) for id in ids]
            records = [record for record in found if record is not None]
        return [record for record in records if not record["archived"]]

    async def _classes(self, actor: Actor) -> list[dict[str, str]]:
        topics = []
        for scope in actor.scopes_of("teacher"):
            class_id = scope.partition(":")[2]
            room = await self._rooms.of("class", class_id)
            found = await self._storage.get(room, "class", class_id) if room else None
            if found is not None and not found["archived"]:
                topics.append({"topic": f"class:{class_id}", "name": found["name"]})
        return topics
