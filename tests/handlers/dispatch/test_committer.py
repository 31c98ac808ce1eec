"""The committer: order, group commit, exactly once, lost races, lost storage, bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.storage.sqlite import SqliteStorage
from app.storage.sqlite_credentials import SqliteCredentials
from models.action import Ack, Action
from models.actor import Actor
from models.errors import Conflict, Internal, Invalid, RollcallError, TooLarge, Unavailable
from models.journal import Commit, CommitTooLarge, Op
from models.ports import Loaded, StorageLost
from models.record import RecordKey
from tests.app.storage.held_up import held_up
from tests.handlers.dispatch.counters import COUNTERS
from tests.kit import CoreKit, SetClock
from tests.waiting import until

ROOM = "school:s1"


class TroubledStorage(SqliteStorage):
    """A SQLite storage with faults that a test switches on. `gate` holds appends back until it is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.lose_reads = False
        self.lose_appends = False
        self.lose_answers = False
        self.lose_turns = False
        self.most_entries = 10_000
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0
        self.looks = 0
        self.after_look: Callable[[], Awaitable[object]] | None = None
        self.appends: list[Commit] = []

    async def ready(self) -> None:
        if self.lose_turns:
            raise StorageLost("switched off")
        await super().ready()

    async def append(self, commit: Commit) -> None:
        if self.lose_appends:
            raise StorageLost("switched off")
        if len(commit.entries) > self.most_entries:
            raise CommitTooLarge
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        await super().append(commit)
        self.appends.append(commit)
        if self.lose_answers:
            raise StorageLost("the answer was lost")

    async def load(self, room: str, ops: Sequence[Op], keys: Sequence[RecordKey]) -> Loaded:
        if self.lose_reads:
            raise StorageLost("switched off")
        self.looks += 1
        loaded = await super().load(room, ops, keys)
        if self.after_look is not None:
            after_look, self.after_look = self.after_look, None
            await after_look()
        return loaded


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[TroubledStorage]:
    storage = TroubledStorage(tmp_path / "rollcall.db")
    await storage.open()
    yield storage
    storage.gate.set()
    await storage.close()


@pytest.fixture
async def node(storage: TroubledStorage) -> AsyncIterator[CoreKit]:
    async for kit in _node(storage):
        yield kit


@pytest.fixture
async def other(storage: TroubledStorage) -> AsyncIterator[CoreKit]:
    """A second node on the same storage."""
    async for kit in _node(storage):
        yield kit


@pytest.fixture
async def narrow(storage: TroubledStorage) -> AsyncIterator[CoreKit]:
    """A node whose queues hold three actions."""
    async for kit in _node(storage, queue=3):
        yield kit


async def _node(storage: TroubledStorage, queue: int = 4096) -> AsyncIterator[CoreKit]:
    kit = CoreKit(storage, SqliteCredentials(storage), SetClock(), registry=COUNTERS, queue=queue)
    yield kit
    storage.gate.set()
    await kit.core.close()
    kit.passwords.close()


def adding(counter: str = "c", by: int = 1) -> dict[str, Any]:
    return {"school_id": "s1", "counter_id": counter, "by": by}


async def send(
    kit: CoreKit, actor: Actor, type: str, payload: dict[str, Any], op_id: str, **more: Any
) -> Ack:
    return await kit.core.dispatcher.run(Action(type, payload, op_id, actor, **more))


async def value(kit: CoreKit, counter: str = "c") -> int | None:
    record = await kit.storage.get(ROOM, "counter", counter)
    return None if record is None else int(record["value"])


async def test_an_accepted_action_is_answered_with_its_record_and_seq(node: CoreKit) -> None:
    actor = await node.actor()
    ack = await send(node, actor, "counter.add", adding(), "op-a")
    assert ack.to_wire() == {
        "ok": True,
        "op_id": "op-a",
        "room": ROOM,
        "seq": 1,
        "duplicate": False,
        "data": {"kind": "counter", "id": "c", "value": 1, "parity": 1, "seq": 1},
    }


async def test_derived_records_come_last_and_once_per_commit_without_op_and_by(node: CoreKit) -> None:
    actor = await node.actor()
    await asyncio.gather(*(send(node, actor, "counter.add", adding(f"c{i}"), f"op{i}") for i in range(20)))
    for commit in (c for c in node.commits if c.room == ROOM):
        totals = [entry for entry in commit.entries if entry.type == "counter.total"]
        assert totals == [commit.entries[-1]]
        assert (totals[0].by, totals[0].op_id) == (None, None)
    total = await node.storage.get(ROOM, "total", "all")
    assert total is not None
    assert total["value"] == 20


async def test_what_gathers_while_a_commit_is_written_becomes_one_commit(
    node: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    storage.gate.clear()
    first = asyncio.create_task(send(node, actor, "counter.add", adding(), "first"))
    await until(lambda: storage.waiting == 1)
    rest = [asyncio.create_task(send(node, actor, "counter.add", adding(), f"op{i}")) for i in range(100)]
    await asyncio.sleep(0)
    storage.gate.set()
    await asyncio.gather(first, *rest)
    sizes = [len(c.ops) for c in storage.appends if c.room == ROOM]
    assert sizes == [1, 100]
    assert await value(node) == 101


async def test_while_the_storage_is_busy_with_another_room_a_batch_gathers(
    node: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(), "first")
    async with held_up(storage):
        tasks = []
        for i in range(20):
            tasks.append(asyncio.create_task(send(node, actor, "counter.add", adding(), f"op{i}")))
            await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert [len(c.ops) for c in storage.appends if c.room == ROOM] == [1, 20]


async def test_a_batch_takes_at_most_256_actions(node: CoreKit, storage: TroubledStorage) -> None:
    actor = await node.actor()
    await asyncio.gather(*(send(node, actor, "counter.add", adding(), f"op{i}") for i in range(600)))
    assert max(len(c.ops) for c in storage.appends) == 256
    assert await value(node) == 600


async def test_a_batch_that_is_too_large_for_one_commit_is_written_as_several_in_order(
    node: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    storage.most_entries = 11
    acks = await asyncio.gather(
        *(send(node, actor, "counter.add", adding(f"c{i}"), f"op{i}") for i in range(100))
    )
    assert [ack.seq for ack in acks] == sorted(ack.seq for ack in acks)
    assert max(len(commit.entries) for commit in storage.appends) <= 11
    storage.most_entries = 1
    with pytest.raises(TooLarge):
        await send(node, actor, "counter.add", adding("large"), "large")
    assert await value(node, "large") is None
    storage.most_entries = 11
    assert not (await send(node, actor, "counter.add", adding("large"), "large")).duplicate


async def test_actions_are_decided_in_the_order_of_submission(node: CoreKit) -> None:
    actor = await node.actor()
    dispatcher = node.core.dispatcher
    prepared = [
        await dispatcher.prepare(Action("counter.add", adding(by=by), f"op{i}", actor))
        for i, by in enumerate([5, -5, 3, -4, 1])
    ]
    results = await asyncio.gather(*(dispatcher.submit(one) for one in prepared), return_exceptions=True)
    outcomes = [
        r.data["value"] if isinstance(r, Ack) and isinstance(r.data, dict) else type(r) for r in results
    ]
    assert outcomes == [5, 0, 3, Invalid, 4]


async def test_a_rejected_action_takes_no_seq_and_harms_no_other(
    node: CoreKit, caplog: pytest.LogCaptureFixture
) -> None:
    actor = await node.actor()
    results = await asyncio.gather(
        send(node, actor, "counter.add", adding(by=1), "a"),
        send(node, actor, "counter.add", adding(by=-5), "b"),
        send(node, actor, "counter.add", adding("other", by=666), "c"),
        send(node, actor, "counter.add", adding(by=2), "d"),
        return_exceptions=True,
    )
    assert isinstance(results[1], Invalid)
    assert isinstance(results[2], Internal)
    assert caplog.messages == ["counter.add in school:s1"]
    assert "a mistake in the handler" in caplog.text
    assert await value(node) == 3
    assert await value(node, "other") is None
    own = [entry.op_id for entry in node.entries(ROOM) if entry.op_id]
    assert own == ["a", "d"]
    assert [entry.seq for entry in node.entries(ROOM)] == list(range(1, len(node.entries(ROOM)) + 1))


async def test_a_rejection_is_not_remembered(node: CoreKit) -> None:
    actor = await node.actor()
    with pytest.raises(Invalid):
        await send(node, actor, "counter.add", adding(by=-1), "same")
    await send(node, actor, "counter.add", adding(by=1), "op")
    ack = await send(node, actor, "counter.add", adding(by=-1), "same")
    assert not ack.duplicate


async def test_the_same_op_id_has_one_effect_and_the_same_answer(node: CoreKit) -> None:
    actor = await node.actor()
    first = await send(node, actor, "counter.add", adding(by=2), "op")
    await send(node, actor, "counter.add", adding(by=5), "later")
    again = await send(node, actor, "counter.add", adding(by=100), "op")
    assert again.duplicate
    assert again.to_wire() == {**first.to_wire(), "duplicate": True}
    assert await value(node) == 7


async def test_the_same_op_id_twice_in_one_batch_has_one_effect(node: CoreKit) -> None:
    actor = await node.actor()
    acks = await asyncio.gather(*(send(node, actor, "counter.add", adding(), "op") for _ in range(5)))
    assert [ack.duplicate for ack in acks] == [False, True, True, True, True]
    assert len({(ack.seq, str(ack.data)) for ack in acks}) == 1
    assert await value(node) == 1


async def test_two_users_may_choose_the_same_op_id(node: CoreKit) -> None:
    ada, bob = await node.actor(), await node.actor()
    await send(node, ada, "counter.add", adding(), "op")
    ack = await send(node, bob, "counter.add", adding(), "op")
    assert not ack.duplicate
    assert await value(node) == 2


async def test_an_op_id_is_known_on_another_node(node: CoreKit, other: CoreKit) -> None:
    actor = await node.actor()
    first = await send(node, actor, "counter.add", adding(), "op")
    again = await send(other, actor, "counter.add", adding(), "op")
    assert again.to_wire() == {**first.to_wire(), "duplicate": True}


async def test_an_answer_with_several_records_is_rebuilt_as_it_was(node: CoreKit, other: CoreKit) -> None:
    actor = await node.actor()
    for counter in "abc":
        await send(node, actor, "counter.add", adding(counter), counter)
    first = await send(node, actor, "counter.reset_odd", adding(), "op")
    assert isinstance(first.data, list)
    assert len(first.data) == 3
    again = await send(other, actor, "counter.reset_odd", adding(), "op")
    assert again.to_wire() == {**first.to_wire(), "duplicate": True}


async def test_two_nodes_in_one_room_decide_against_the_newest_state(node: CoreKit, other: CoreKit) -> None:
    actor = await node.actor()
    acks = await asyncio.gather(
        *(
            send(kit, actor, "counter.add", adding(), f"{i}-{n}")
            for i in range(200)
            for n, kit in enumerate((node, other))
        )
    )
    assert await value(node) == 400
    values = [ack.data["value"] for ack in acks if isinstance(ack.data, dict)]
    assert sorted(values) == list(range(1, 401))
    entries = await node.storage.read(ROOM, after=0, limit=10_000)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))


async def test_a_rejection_is_against_the_newest_state_of_all_nodes(node: CoreKit, other: CoreKit) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(by=1), "a")
    await send(other, actor, "counter.add", adding(by=1), "b")
    await send(node, actor, "counter.add", adding(by=-2), "c")
    with pytest.raises(Invalid):
        await send(other, actor, "counter.add", adding(by=-1), "d")


async def test_what_only_seems_wrong_because_it_was_read_at_different_times_is_decided_again(
    node: CoreKit, other: CoreKit, storage: TroubledStorage, caplog: pytest.LogCaptureFixture
) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding("c"), "a")
    await send(other, actor, "counter.add", adding("d", by=5), "b")
    storage.after_look = lambda: send(other, actor, "counter.add", adding("e", by=100), "c")
    ack = await send(node, actor, "counter.compare", {"school_id": "s1", "counter_ids": ["d", "e"]}, "d")
    assert isinstance(ack.data, dict)
    assert ack.data["value"] == 106
    assert caplog.messages == []


async def test_a_batch_that_appends_nothing_confirms_the_head_before_it_answers(
    node: CoreKit, other: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(by=1), "a")
    storage.after_look = lambda: send(other, actor, "counter.add", adding(by=10), "b")
    ack = await send(node, actor, "counter.add", adding(by=-5), "c")
    assert isinstance(ack.data, dict)
    assert ack.data["value"] == 6


async def test_where_another_node_was_first_the_storage_is_asked_as_long_as_the_room_is_contended(
    node: CoreKit, other: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(), "a")
    await send(other, actor, "counter.add", adding(), "b")
    assert node.turns.lost_in == []
    await send(node, actor, "counter.add", adding(), "c")
    assert node.turns.lost_in == [ROOM]
    looks = storage.looks
    await send(node, actor, "counter.add", adding(), "d")
    assert storage.looks == looks + 1
    node.turns.lost_in.clear()
    await send(node, actor, "counter.add", adding(), "e")
    assert storage.looks == looks + 1
    assert node.turns.had == 0
    assert await value(node) == 5


async def test_find_sees_what_the_batch_has_changed(node: CoreKit) -> None:
    actor = await node.actor()
    results = await asyncio.gather(
        send(node, actor, "counter.add", adding("a"), "1"),
        send(node, actor, "counter.add", adding("b"), "2"),
        send(node, actor, "counter.add", adding("b"), "3"),
        send(node, actor, "counter.remove", adding("a"), "4"),
        send(node, actor, "counter.add", adding("z"), "5"),
        send(node, actor, "counter.reset_odd", adding(), "6"),
    )
    assert len({commit.first for commit in node.commits if commit.room == ROOM}) == 1
    assert [record["id"] for record in results[-1].data if isinstance(record, dict)] == ["z"]


async def test_if_seq_rejects_with_what_is_there(node: CoreKit) -> None:
    actor = await node.actor()
    ack = await send(node, actor, "counter.add", adding(), "a", if_seq=0)
    with pytest.raises(Conflict) as caught:
        await send(node, actor, "counter.add", adding(), "b", if_seq=0)
    assert caught.value.current == ack.data
    assert (await send(node, actor, "counter.add", adding(), "c", if_seq=ack.seq)).seq > ack.seq


async def test_if_seq_on_a_record_that_the_batch_derives_sees_its_final_seq(node: CoreKit) -> None:
    actor = await node.actor()
    results = await asyncio.gather(
        send(node, actor, "counter.add", adding(), "a"),
        send(node, actor, "total.check", adding(), "b", if_seq=0),
        send(node, actor, "counter.add", adding(), "c"),
        return_exceptions=True,
    )
    assert isinstance(results[1], Conflict)
    assert results[1].current == {"kind": "total", "id": "all", "value": 1, "seq": 2}
    assert await value(node) == 2


async def test_a_caller_that_goes_away_changes_nothing(node: CoreKit, storage: TroubledStorage) -> None:
    actor = await node.actor()
    storage.gate.clear()
    gone = asyncio.create_task(send(node, actor, "counter.add", adding(), "gone"))
    await until(lambda: storage.waiting == 1)
    gone.cancel()
    storage.gate.set()
    await send(node, actor, "counter.add", adding(), "next")
    assert await value(node) == 2


async def test_a_full_queue_is_unavailable_with_retry_after(
    narrow: CoreKit, storage: TroubledStorage
) -> None:
    actor = await narrow.actor()
    storage.gate.clear()
    tasks = [asyncio.create_task(send(narrow, actor, "counter.add", adding(), "0"))]
    await until(lambda: storage.waiting == 1)
    tasks += [asyncio.create_task(send(narrow, actor, "counter.add", adding(), f"{i}")) for i in range(1, 6)]
    await until(tasks[-1].done)
    storage.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) == 2
    assert all(error.retry_after for error in refused)
    assert await value(narrow) == 4


@pytest.mark.parametrize("fault", ["lose_reads", "lose_appends", "lose_turns"])
async def test_a_lost_storage_is_unavailable_and_service_resumes_by_itself(
    node: CoreKit, storage: TroubledStorage, fault: str
) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(), "before")
    setattr(storage, fault, True)
    results = await asyncio.gather(
        *(send(node, actor, "counter.add", adding("new"), f"op{i}") for i in range(5)), return_exceptions=True
    )
    assert all(isinstance(result, Unavailable) and result.retry_after for result in results)
    setattr(storage, fault, False)
    for i in range(5):
        assert not (await send(node, actor, "counter.add", adding("new"), f"op{i}")).duplicate
    assert await value(node, "new") == 5


async def test_what_is_remembered_is_decided_without_a_look_at_the_storage(
    node: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(), "first")
    looks = storage.looks
    for i in range(3):
        await send(node, actor, "counter.add", adding(), f"op{i}")
    assert storage.looks == looks
    assert await value(node) == 4


async def test_what_rejected_actions_have_read_counts_as_remembered_too(
    node: CoreKit, storage: TroubledStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.dispatch.committer.CACHED_RECORDS", 10)
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(), "first")
    for i in range(20):
        with pytest.raises(Invalid):
            await send(node, actor, "counter.add", adding(f"c{i}", by=-5), f"op{i}")
    looks = storage.looks
    await send(node, actor, "counter.add", adding(), "again")
    assert storage.looks == looks + 1
    assert await value(node) == 2


async def test_what_another_node_wrote_is_taken_in_and_need_not_be_read_again(
    node: CoreKit, other: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(), "here")
    await send(other, actor, "counter.add", adding(by=10), "there")
    await send(node, actor, "counter.add", adding(by=100), "here_again")
    node.turns.lost_in.clear()
    looks = storage.looks
    await send(node, actor, "counter.add", adding(by=1000), "once_more")
    assert storage.looks == looks
    assert await value(node) == 1111


async def test_a_known_op_that_would_be_rejected_by_now_gets_its_first_answer(
    node: CoreKit, other: CoreKit
) -> None:
    actor = await node.actor()
    first = await send(node, actor, "counter.add", adding(), "op", if_seq=0)
    for kit in (node, other):
        again = await send(kit, actor, "counter.add", adding(), "op", if_seq=0)
        assert again.duplicate
        assert (again.seq, again.data) == (first.seq, first.data)
    with pytest.raises(Conflict):
        await send(node, actor, "counter.add", adding(), "another", if_seq=0)


async def test_a_known_op_in_a_batch_harms_no_other(node: CoreKit, storage: TroubledStorage) -> None:
    actor = await node.actor()
    await send(node, actor, "counter.add", adding(), "known")
    acks = await asyncio.gather(
        *(send(node, actor, "counter.add", adding(), op) for op in ("a", "known", "b"))
    )
    assert [ack.duplicate for ack in acks] == [False, True, False]
    assert await value(node) == 3


async def test_a_commit_whose_answer_was_lost_is_found_by_sending_again(
    node: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    storage.lose_answers = True
    with pytest.raises(Unavailable):
        await send(node, actor, "counter.add", adding(), "op")
    storage.lose_answers = False
    again = await send(node, actor, "counter.add", adding(), "op")
    assert again.duplicate
    assert await value(node) == 1
    await send(node, actor, "counter.add", adding(), "next")
    assert await value(node) == 2


async def test_closing_answers_what_was_accepted_and_refuses_the_rest(
    node: CoreKit, storage: TroubledStorage
) -> None:
    actor = await node.actor()
    storage.gate.clear()
    accepted = asyncio.create_task(send(node, actor, "counter.add", adding(), "a"))
    await until(lambda: storage.waiting == 1)
    closing = asyncio.create_task(node.core.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await send(node, actor, "counter.add", adding(), "b")
    storage.gate.set()
    await closing
    assert (await accepted).seq == 1


async def test_a_password_hash_goes_to_the_credentials_and_not_to_the_journal(node: CoreKit) -> None:
    admin = await node.actor(roles=[("admin", "org")])
    await send(node, admin, "counter.secret", adding(), "op")
    kept = await node.credentials.password_hash(admin.id)
    assert kept is not None
    assert kept not in str(await node.storage.read(ROOM, after=0, limit=100))


async def test_the_policy_holds_at_the_decision_not_at_the_door(
    node: CoreKit, storage: TroubledStorage
) -> None:
    admin = await node.actor("boss", roles=[("admin", "org")])
    prepared = await node.core.dispatcher.prepare(Action("counter.secret", adding(), "op", admin))
    await node.actor("boss", roles=[])
    with pytest.raises(RollcallError) as caught:
        await node.core.dispatcher.submit(prepared)
    assert caught.value.code == "forbidden"
