"""The consumer side of the Storage port: cursor, set_cursor, lagging."""

from __future__ import annotations

import asyncio

from models.ports import Lag, Storage
from tests.contract.conftest import Backend
from tests.contract.samples import ROOM, plain, put


def by_room(lags: list[Lag]) -> list[Lag]:
    return sorted(lags, key=lambda lag: lag.room)


async def test_a_cursor_is_zero_at_first(storage: Storage) -> None:
    assert await storage.cursor("notify", ROOM) == 0


async def test_a_cursor_is_remembered_per_consumer_and_room(storage: Storage) -> None:
    await storage.set_cursor("notify", ROOM, 3)
    await storage.set_cursor("notify", "team:t1", 4)
    await storage.set_cursor("mail", ROOM, 5)
    assert await storage.cursor("notify", ROOM) == 3
    assert await storage.cursor("notify", "team:t1") == 4
    assert await storage.cursor("mail", ROOM) == 5
    assert await storage.cursor("mail", "team:t1") == 0


async def test_a_cursor_never_moves_backwards(storage: Storage) -> None:
    for seq in (5, 3, 5, 4):
        await storage.set_cursor("notify", ROOM, seq)
    assert await storage.cursor("notify", ROOM) == 5
    await storage.set_cursor("notify", ROOM, 6)
    assert await storage.cursor("notify", ROOM) == 6


async def test_of_many_moves_at_once_the_farthest_stands(storage: Storage) -> None:
    await asyncio.gather(*(storage.set_cursor("notify", ROOM, seq * 7 % 31) for seq in range(31)))
    assert await storage.cursor("notify", ROOM) == 30


async def test_a_cursor_survives_a_restart(backend: Backend, storage: Storage) -> None:
    await storage.set_cursor("notify", ROOM, 3)
    storage = await backend.reopen()
    assert await storage.cursor("notify", ROOM) == 3


async def test_nothing_lags_where_nothing_was_written(storage: Storage) -> None:
    assert await storage.lagging("notify", "school") == []


async def test_rooms_that_were_not_read_to_the_end_lag(storage: Storage) -> None:
    for room in ("team:t1", "team:t2", "team:t3"):
        await put(storage, room, *(plain(f"{room}-{i}") for i in range(3)))
    await storage.set_cursor("notify", "team:t1", 3)
    await storage.set_cursor("notify", "team:t2", 1)
    assert by_room(await storage.lagging("notify", "team")) == [Lag("team:t2", 1, 3), Lag("team:t3", 0, 3)]
    assert len(await storage.lagging("mail", "team")) == 3


async def test_only_rooms_of_the_noun_are_named(storage: Storage) -> None:
    rooms = ["team:t1", "teams:t1", "tea:t1", "team2:x", "school:team:t1", "org", "org:x", "orga"]
    for room in rooms:
        await put(storage, room, plain(f"p-{room}"))
    assert await storage.lagging("notify", "team") == [Lag("team:t1", 0, 1)]
    assert Lag("org", 0, 1) in await storage.lagging("notify", "org")
    assert {lag.room for lag in await storage.lagging("notify", "org")} <= {"org", "org:x"}
    assert await storage.lagging("notify", "t") == []
    assert await storage.lagging("notify", "user") == []


async def test_a_room_no_longer_lags_once_it_is_read(storage: Storage) -> None:
    head = await put(storage, "org", plain("a"), plain("b"))
    await storage.set_cursor("notify", "org", head)
    assert await storage.lagging("notify", "org") == []
    await put(storage, "org", plain("c"))
    assert await storage.lagging("notify", "org") == [Lag("org", 2, 3)]


async def test_a_cursor_of_a_room_without_entries_does_not_lag(storage: Storage) -> None:
    await storage.set_cursor("notify", "team:t9", 4)
    assert await storage.lagging("notify", "team") == []


async def test_many_rooms_lag(storage: Storage) -> None:
    rooms = [f"user:u{i:03}" for i in range(150)]
    await asyncio.gather(*(put(storage, room, plain(f"p-{room}")) for room in rooms))
    assert by_room(await storage.lagging("notify", "user")) == [Lag(room, 0, 1) for room in rooms]
