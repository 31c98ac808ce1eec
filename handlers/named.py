"""What the actions on schools, classes, students and teams share: the record they name, and the archive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handlers.dispatch.context import Context
from handlers.dispatch.registry import KeyOf, KeysOf, action
from models.action import Payload
from models.errors import NotFound
from models.journal import Record
from models.record import RecordKey


def key_of(kind: str) -> KeyOf:
    """The record that the payload names by `KIND_id`; None where a new one gets its id from the server."""

    def key(room: str, payload: Payload) -> RecordKey | None:
        id = payload.get(f"{kind}_id")
        return None if id is None else (kind, id)

    return key


def reads_of(kind: str) -> KeysOf:
    """That record, as what a handler reads."""
    key_in = key_of(kind)

    def keys(room: str, payload: Payload) -> Sequence[RecordKey]:
        key = key_in(room, payload)
        return () if key is None else (key,)

    return keys


async def existing(ctx: Context, kind: str, payload: Payload) -> Record:
    """The record that the payload names. NotFound."""
    found = await ctx.get(kind, payload[f"{kind}_id"])
    if found is None:
        raise NotFound(f"There is no {kind} {payload[f'{kind}_id']}.")
    return found


def archivable(kind: str, meaning: str, **options: Any) -> None:
    """Declare `KIND.archive` and `KIND.unarchive`. `meaning` ends the sentence "Archive a KIND: …"; the
    options are `action`'s."""

    async def archive(ctx: Context, payload: Payload) -> None:
        ctx.put({**await existing(ctx, kind, payload), "archived": True})

    async def unarchive(ctx: Context, payload: Payload) -> None:
        ctx.put({**await existing(ctx, kind, payload), "archived": False})

    archive.__doc__ = f"Archive a {kind}: {meaning}"
    unarchive.__doc__ = f"Take a {kind} back from the archive."
    about, reads = key_of(kind), reads_of(kind)
    action(f"{kind}.archive", about=about, reads=reads, **options)(archive)
    action(f"{kind}.unarchive", about=about, reads=reads, **options)(unarchive)
