"""Signing in and out, as entries of the user's own room. No client can send these actions."""

from __future__ import annotations

from handlers.dispatch.consumers import Effects, RunInternal, subscribes
from handlers.dispatch.context import Context
from handlers.dispatch.registry import action
from handlers.dispatch.rooms import Rooms
from models.action import Payload
from models.actor import Actor
from models.journal import Entry, Record
from models.query import query
from models.session import (
    DISABLED,
    NEW_PASSWORD,
    LoginPayload,
    LogoutPayload,
    ended_session,
    session_record,
    user_room,
)

ENDED_AT_ONCE = 500
"""How many sessions one `user.logout` ends; it is run again while more are open."""

SESSIONS = "sessions"

ENDED_BY = {"user.disable": DISABLED, "user.set_password": NEW_PASSWORD}
"""Entries of `org` after which a user's sessions end, and the reason that these are given."""


async def room_of_user(rooms: Rooms, payload: Payload, actor: Actor) -> str:
    """The room of the user that the payload names."""
    return user_room(payload["user_id"])


@action("user.login", schema=LoginPayload, room=room_of_user)
async def login(ctx: Context, payload: Payload) -> None:
    """Begin a session; one that is there already, or was, stays as it is."""
    if await ctx.held("session", payload["session_id"]) is None:
        ctx.put(session_record(payload["session_id"], payload["user_id"], ctx.at))


@action("user.logout", schema=LogoutPayload, room=room_of_user, many=True)
async def logout(ctx: Context, payload: Payload) -> None:
    """End a session, or all sessions of the user; what has ended already stays as it is."""
    for session in await _open_sessions(ctx, payload["session_id"], payload["before"]):
        ctx.put(ended_session(session, ctx.at, payload["reason"]))


@subscribes(SESSIONS, rooms="org", types=tuple(ENDED_BY))
async def end_sessions_of_user(entry: Entry, effects: Effects) -> None:
    """End the sessions of a user who was disabled or has a new password: who had the account before must sign
    in again. A session begun later is not touched, however late this comes.
    """
    if entry.data["kind"] == "user":
        reason = ENDED_BY[entry.type]
        await end_sessions(effects.run, entry.data["id"], before=entry.at, reason=reason)


async def end_sessions(
    run: RunInternal, user_id: str, session_id: str | None = None, *, before: str | None = None, reason: str
) -> None:
    """End one session of the user, or all that are open, or that began up to `before`. May be repeated."""
    payload = {"user_id": user_id, "session_id": session_id, "before": before, "reason": reason}
    while len((await run("user.logout", payload)).data) == ENDED_AT_ONCE:
        pass


async def _open_sessions(ctx: Context, session_id: str | None, before: str | None) -> list[Record]:
    if session_id is None:
        within = {} if before is None else {"at": (None, before)}
        return await ctx.find(query("session", within=within, ended_at=None, limit=ENDED_AT_ONCE))
    session = await ctx.get("session", session_id)
    return [session] if session is not None and session["ended_at"] is None else []
