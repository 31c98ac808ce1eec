"""The bounds of the Python client's queue, and its store in memory."""

from __future__ import annotations

import pytest

from client import MemoryStore, QueueError, StoredAction
from client.core import Core
from client.outgoing import MOST_QUEUED


def action(op_id: str, text: str = "") -> StoredAction:
    return StoredAction(op_id, "task.comment", {"task_id": "k1", "text": text})


@pytest.fixture
def core() -> Core:
    return Core(user="u1", random=lambda: 0.5, now=lambda: 0.0)


def test_an_action_that_the_server_could_not_read_is_not_queued(core: Core) -> None:
    core.enqueue(action("small", "x" * 20_000))
    with pytest.raises(QueueError, match="250000 bytes"):
        core.enqueue(action("large", "x" * 250_000))
    with pytest.raises(QueueError, match="250000 bytes"):
        core.enqueue(action("wide", "é" * 50_000))


def test_what_is_no_number_is_not_queued(core: Core) -> None:
    with pytest.raises(QueueError, match="cannot be sent"):
        core.enqueue(StoredAction("a", "class.update", {"rank": float("nan")}))


def test_the_queue_is_bounded(core: Core) -> None:
    for n in range(MOST_QUEUED):
        core.enqueue(action(f"op-{n}"))
    with pytest.raises(QueueError, match="10000 actions"):
        core.enqueue(action("one-more"))


async def test_a_store_in_memory_keeps_actions_in_order_until_they_are_removed() -> None:
    store = MemoryStore()
    for op_id in "abc":
        await store.put(action(op_id))
    await store.remove("b")
    await store.remove("never")
    await store.put(action("a", "again"))
    assert await store.load() == [action("a", "again"), action("c")]
