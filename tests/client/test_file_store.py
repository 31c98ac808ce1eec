"""The queue in a file: what is kept, when it is durable, and what a crash leaves."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from client import FileStore, StoredAction, StoreError
from client.file_store import FEWEST_LINES
from tests.client.programs import ROOT


def action(op_id: str, **more: Any) -> StoredAction:
    return StoredAction(op_id, "task.complete", {"task_id": f"k-{op_id}"}, **more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue"


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def set_content(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def is_there(path: Path) -> bool:
    return path.exists()


def is_private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


async def kept(path: Path) -> list[StoredAction]:
    async with await FileStore.open(path) as store:
        return list(await store.load())


async def test_what_was_put_is_there_in_order_until_it_is_removed(path: Path) -> None:
    async with await FileStore.open(path) as store:
        for op_id in "abcd":
            await store.put(action(op_id))
        await store.remove("b")
        await store.remove("never")
    assert await kept(path) == [action("a"), action("c"), action("d")]


async def test_an_action_comes_back_as_it_was_put(path: Path) -> None:
    odd = StoredAction("a", "task.comment", {"text": "Zoë\n«\u2028»\x00", "n": 1.5, "l": [None]}, if_seq=0)
    async with await FileStore.open(path) as store:
        await store.put(odd)
    assert await kept(path) == [odd]


async def test_an_action_put_again_stays_at_its_place(path: Path) -> None:
    refused = action("a", error={"code": "conflict", "message": "Somebody else was first."})
    async with await FileStore.open(path) as store:
        await asyncio.gather(store.put(action("a")), store.put(action("b")), store.put(refused))
    assert await kept(path) == [refused, action("b")]


async def test_calls_at_the_same_time_take_effect_in_their_order(path: Path) -> None:
    async with await FileStore.open(path) as store:
        calls = []
        for n in range(200):
            calls.append(store.put(action(f"op-{n}")))
            if n >= 100:
                calls.append(store.remove(f"op-{n - 100}"))
        await asyncio.gather(*calls)
    assert [one.op_id for one in await kept(path)] == [f"op-{n}" for n in range(100, 200)]


async def test_a_line_that_a_crash_has_cut_off_is_left_out(path: Path) -> None:
    async with await FileStore.open(path) as store:
        await store.put(action("a"))
        await store.put(action("b"))
    whole = content_of(path)
    for cut in range(len(whole) // 2 + 1, len(whole)):
        set_content(path, whole[:cut])
        async with await FileStore.open(path) as store:
            assert await store.load() == [action("a")]
            await store.put(action("c"))
        assert await kept(path) == [action("a"), action("c")]


async def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path) -> None:
    for line in (b"garbage\n", b'{"put":{"x":1}}\n', b"[]\n", b"\xff\n", b'{"put":null}\n'):
        content = b'{"remove":"a"}\n' + line + b'{"remove":"b"}\n'
        set_content(path, content)
        with pytest.raises(StoreError, match="damaged in line 2"):
            await FileStore.open(path)
        assert content_of(path) == content


async def test_a_file_is_for_one_at_a_time(path: Path) -> None:
    async with await FileStore.open(path):
        with pytest.raises(StoreError, match="in use"):
            await FileStore.open(path)
    assert await kept(path) == []


async def test_only_its_user_can_read_it(path: Path) -> None:
    async with await FileStore.open(path) as store:
        await store.put(action("a"))
        assert is_private(path)


async def test_it_does_not_grow_with_what_is_past(path: Path) -> None:
    async with await FileStore.open(path) as store:
        await store.put(action("first"))
        for n in range(FEWEST_LINES):
            await asyncio.gather(store.put(action(f"op-{n}")), store.remove(f"op-{n}"))
        assert content_of(path).count(b"\n") <= FEWEST_LINES + 2
        assert is_private(path)
        await store.put(action("last"))
    assert await kept(path) == [action("first"), action("last")]
    assert not is_there(path.with_name("queue.new"))


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The system writes what still fits, and then refuses, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_failed_write_is_told_and_harms_nothing_else(path: Path) -> None:
    async with await FileStore.open(path) as store:
        await store.put(action("a"))
        with no_file_larger_than(len(content_of(path)) + 10):
            with pytest.raises(StoreError, match="cannot be written"):
                await store.put(action("b"))
            with pytest.raises(StoreError, match="cannot be written"):
                await store.put(action("a", error={"code": "conflict", "message": ""}))
        await store.put(action("c"))
        assert await store.load() == [action("a"), action("c")]
    assert await kept(path) == [action("a"), action("c")]


async def test_a_closed_store_takes_nothing(path: Path) -> None:
    store = await FileStore.open(path)
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.put(action("a"))


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        await FileStore.open(tmp_path / "nowhere" / "queue")


PUTTER = """
import asyncio, sys
from client import FileStore, StoredAction

async def main():
    store = await FileStore.open(sys.argv[1])
    n = len(await store.load())
    while True:
        await store.put(StoredAction(f"op-{n}", "task.complete", {"task_id": "k"}))
        print(n, flush=True)
        n += 1

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [0, 7, 40])
def test_a_killed_process_has_kept_what_it_said_it_had(path: Path, after: int) -> None:
    command = [sys.executable, "-c", PUTTER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(after + 1)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    lines = path.read_text().split("\n")[:-1]
    kept = [json.loads(line)["put"]["op_id"] for line in lines]
    assert kept[: len(told)] == [f"op-{n}" for n in range(len(told))]
    assert len(kept) <= len(told) + 1
