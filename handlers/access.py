"""Who may read what: the one check for subscriptions, snapshots and every read of the HTTP door. Deny by
default.
"""

from __future__ import annotations

from dataclasses import dataclass

from handlers.dispatch.org import OrgView
from handlers.dispatch.rooms import Rooms, room_of_class
from models.actor import Actor
from models.errors import Forbidden, NotFound
from models.journal import ORG, Record
from models.ports import Storage
from models.topic import Topic, parse_topic

SCHOOL_READERS = ("school_admin", "office", "viewer")
SCHOOL_JOURNAL_READERS = ("school_admin", "office")
TEAM_READERS = ("lead", "member")


@dataclass(frozen=True, slots=True)
class Access:
    """Checks an actor's reading. Every method returns what was asked for, or raises Forbidden or NotFound;
    StorageLost passes through.
    """

    storage: Storage
    org: OrgView
    rooms: Rooms

    async def topic(self, actor: Actor, topic: Topic) -> str:
        """The room of a topic that the actor may subscribe to."""
        match topic.noun:
            case "user" if topic.id == actor.id:
                return topic.name
            case "org" if actor.is_admin:
                return ORG
            case "school" | "summary":
                await self.school(actor, topic.id)
                return f"school:{topic.id}"
            case "class":
                return await self.school_class(actor, topic.id)
            case "team":
                return await self.team(actor, topic.id)
        raise Forbidden(f"You have no role on {topic.name}.")

    async def school(self, actor: Actor, school_id: str) -> Record:
        """A school whose figures the actor may read."""
        if not actor.is_admin and not actor.roles_in([f"school:{school_id}"]) & set(SCHOOL_READERS):
            raise Forbidden(f"You have no role on the school {school_id}.")
        return await self._existing("school", school_id)

    async def school_profile(self, actor: Actor, school_id: str) -> Record:
        """A school whose name, periods and codes the actor may read: also for the teachers of its classes."""
        if actor.is_admin or actor.roles_in([f"school:{school_id}"]) & set(SCHOOL_READERS):
            return await self._existing("school", school_id)
        for scope in actor.scopes_of("teacher"):
            if await self.rooms.of("class", scope.partition(":")[2]) == f"school:{school_id}":
                return await self._existing("school", school_id)
        raise Forbidden(f"You have no role on the school {school_id}.")

    async def school_class(self, actor: Actor, class_id: str) -> str:
        """The school's room of a class that the actor may read."""
        room = await room_of_class(self.rooms, {"class_id": class_id}, actor)
        scopes_held = actor.roles_in([room]) & set(SCHOOL_READERS)
        teaches = ("teacher", f"class:{class_id}") in actor.roles
        if actor.is_admin or scopes_held or teaches:
            return room
        raise Forbidden(f"You have no role on the class {class_id}.")

    async def student(self, actor: Actor, student_id: str) -> Record:
        """A student of a school or class that the actor reads; NotFound for everybody else."""
        found = await self.storage.locate("student", student_id)
        if found is not None:
            room, student = found
            classes = {f"class:{class_id}" for class_id in student["class_ids"]}
            reads_school = actor.roles_in([room]) & set(SCHOOL_READERS)
            teaches = "teacher" in actor.roles_in(classes)
            if actor.is_admin or reads_school or teaches:
                return student
        raise NotFound(f"There is no student {student_id}.")

    def classes_of(self, actor: Actor, student: Record) -> frozenset[str] | None:
        """The classes whose part in a student's data the actor may read; None: every part."""
        if actor.is_admin or actor.roles_in([f"school:{student['school_id']}"]) & set(SCHOOL_READERS):
            return None
        taught = {scope.partition(":")[2] for scope in actor.scopes_of("teacher")}
        return frozenset(taught & set(student["class_ids"]))

    async def team(self, actor: Actor, team_id: str) -> str:
        """The room of a team that the actor may read."""
        if not actor.is_admin and not actor.roles_in([f"team:{team_id}"]) & set(TEAM_READERS):
            raise Forbidden(f"You have no role on the team {team_id}.")
        await self._existing("team", team_id)
        return f"team:{team_id}"

    async def task(self, actor: Actor, task_id: str) -> Record:
        """A task of a team that the actor reads; NotFound for everybody else."""
        found = await self.storage.locate("task", task_id)
        if found is not None:
            room, task = found
            if actor.is_admin or actor.roles_in([room]) & set(TEAM_READERS):
                return task
        raise NotFound(f"There is no task {task_id}.")

    async def journal(self, actor: Actor, room: str, record: str | None) -> None:
        """Return if the actor may read the room's journal, or the history of this one record in it."""
        topic = parse_topic(room, "room")
        if topic.noun in ("class", "summary"):
            raise NotFound(f"{room} is a topic, not a room: ask for the journal of its school.")
        if topic.noun == "user":
            if topic.id != actor.id:
                raise Forbidden(f"You have no role on {room}.")
            return
        if actor.is_admin:
            if topic.noun in ("school", "team"):
                await self._existing(topic.noun, topic.id)
            return
        held = actor.roles_in([room])
        if topic.noun == "school" and held & set(SCHOOL_JOURNAL_READERS):
            return
        if topic.noun == "team" and held & set(TEAM_READERS):
            return
        if topic.noun == "school" and record is not None:
            mark = await self.storage.get(room, "mark", record)
            if mark is not None and ("teacher", f"class:{mark['class_id']}") in actor.roles:
                return
        raise Forbidden(f"You may not read the journal of {room}.")

    async def _existing(self, kind: str, id: str) -> Record:
        record = await self.org.get(kind, id)
        if record is None:
            raise NotFound(f"There is no {kind} {id}.")
        return record
