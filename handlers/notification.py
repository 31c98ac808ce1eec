"""Notifications of users, made by consumers of other rooms' journals."""

from __future__ import annotations

from marshmallow import fields

from handlers.dispatch.consumers import Effects, subscribes
from handlers.dispatch.context import Context
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import Rooms
from models.action import Payload
from models.actor import Actor
from models.journal import Entry
from models.notification import task_assigned
from models.schema import Payload as PayloadSchema
from models.task import newly_assigned


class CreatePayload(PayloadSchema):
    """A whole notification, its id derived from what it tells about."""

    notification = fields.Dict(required=True)


async def _room_of_user(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    return f"user:{payload['notification']['user_id']}"


@action(
    "notification.create",
    schema=CreatePayload,
    room=_room_of_user,
    reads=lambda room, payload: [("notification", payload["notification"]["id"])],
)
async def create(ctx: Context, payload: Payload) -> None:
    """Tell a user something once: a notification that is there already stays as it is."""
    notification = payload["notification"]
    if await ctx.held("notification", notification["id"]) is None:
        ctx.put({**notification})


@subscribes("task-notifications", rooms="team", types=("task.create", "task.assign", "task.update"))
async def notify_assigned(entry: Entry, effects: Effects) -> None:
    """Tell users that they were assigned to a task by somebody else."""
    for user_id in newly_assigned(entry.data):
        if user_id != entry.by:
            await effects.run("notification.create", {"notification": task_assigned(entry, user_id)})
