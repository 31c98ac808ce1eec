"""The ids of new records: chosen by the client where it wants to, otherwise by the server."""

from __future__ import annotations

from handlers.dispatch.context import Context
from models.errors import Conflict


async def unused_id(ctx: Context, kind: str, prefix: str, chosen: str | None) -> str:
    """The id for a new record of this kind: the chosen one, or a new one with the prefix.

    Conflict where the chosen one is in use in any room, or was used in this one, also by what is deleted now.
    Only a record of the same room is shown as `current`: another school's is not for everybody.
    """
    if chosen is None:
        return ctx.new_id(prefix)
    taken = f"The id {chosen} is taken: choose another, or leave it out to get one."
    fields = {f"{kind}_id": ["is taken"]}
    held = await ctx.held(kind, chosen)
    if held is not None:
        raise Conflict(taken, fields=fields, current=held)
    if not await ctx.claim(kind, chosen):
        raise Conflict(taken, fields=fields)
    return chosen
