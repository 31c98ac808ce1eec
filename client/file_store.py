"""Keeps queued actions in a file, over restarts, crashes and power cuts."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from client.effects import StoredAction
from client.errors import StoreError

FEWEST_LINES = 1_000
"""A file is written anew when it has more lines than this, and four times as many as actions."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be written, and who waits for it."""

    text: bytes
    is_durable: bool
    written: asyncio.Future[None]


class FileStore:
    """A queue in a file of its own: for one user, and for one process at a time.

    The file has a line of JSON for each call: `{"put": action}` or `{"remove": op_id}`. Lines of calls at the
    same time are written together, and are on the disk before a `put` among them returns. A last line that a
    crash has cut off is left out. When most lines are of the past, the file is replaced by one without them.
    """

    def __init__(
        self, path: Path, file: FileIO, lock: FileIO, actions: dict[str, StoredAction], lines: int
    ) -> None:
        self._path = path
        self._file = file
        self._lock = lock
        self._actions = actions
        self._lines = lines
        self._waiting: list[Line] = []
        self._writer: asyncio.Task[None] | None = None
        self._is_closed = False

    @classmethod
    async def open(cls, path: str | os.PathLike[str]) -> FileStore:
        """The queue in this file, which is made if it is not there. StoreError."""
        return await asyncio.to_thread(cls._open, Path(path))

    async def __aenter__(self) -> FileStore:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def load(self) -> Sequence[StoredAction]:
        """The actions from before."""
        return list(self._actions.values())

    async def put(self, action: StoredAction) -> None:
        """Keep an action. StoreError."""
        before = self._actions.get(action.op_id)
        self._actions[action.op_id] = action
        try:
            await self._write({"put": action.to_json()}, is_durable=True)
        except StoreError:
            if self._actions.get(action.op_id) is action:
                if before is None:
                    del self._actions[action.op_id]
                else:
                    self._actions[action.op_id] = before
            raise

    async def remove(self, op_id: str) -> None:
        """Forget an action. StoreError."""
        if self._actions.pop(op_id, None) is not None:
            # Nothing is lost where this does not reach the disk: the action is sent again, as a duplicate.
            await self._write({"remove": op_id}, is_durable=False)

    async def close(self) -> None:
        """Write what is waiting, and let others have the file."""
        self._is_closed = True
        if self._writer is not None:
            await self._writer
        self._file.close()
        self._lock.close()

    async def _write(self, content: dict[str, Any], *, is_durable: bool) -> None:
        if self._is_closed:
            raise StoreError(f"{self._path} was closed")
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Line(_line(content), is_durable, written))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_waiting())
        await asyncio.shield(written)

    async def _write_waiting(self) -> None:
        while self._waiting:
            lines, self._waiting = self._waiting, []
            self._lines += len(lines)
            actions = list(self._actions.values()) if self._is_mostly_past() else None
            try:
                await asyncio.to_thread(self._append, lines, actions)
            except OSError as error:
                for line in lines:
                    line.written.set_exception(StoreError(f"{self._path} cannot be written: {error}"))
            else:
                for line in lines:
                    line.written.set_result(None)
        self._writer = None

    def _is_mostly_past(self) -> bool:
        return self._lines > max(FEWEST_LINES, 4 * len(self._actions))

    # -- in a thread

    @classmethod
    def _open(cls, path: Path) -> FileStore:
        try:
            lock = _open_private(Path(f"{path}.lock"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file = _open_private(path)
            except BaseException:
                lock.close()
                raise
        except BlockingIOError:
            raise StoreError(f"{path} is in use by another process") from None
        except OSError as error:
            raise StoreError(f"{path} cannot be opened: {error}") from None
        try:
            content = file.read()
            actions, lines = _read(path, content)
            # A last line that is not whole must not stand before the next one.
            file.seek(content.rfind(b"\n") + 1)
            file.truncate()
        except BaseException:
            file.close()
            lock.close()
            raise
        return cls(path, file, lock, actions, lines)

    def _append(self, lines: Sequence[Line], actions: Sequence[StoredAction] | None) -> None:
        if actions is not None:
            self._replace(actions)
            return
        end = self._file.tell()
        try:
            _write_all(self._file, b"".join(line.text for line in lines))
            if any(line.is_durable for line in lines):
                os.fsync(self._file.fileno())
        except OSError:
            # Whatever part of it is there must not stand before the next line.
            self._file.seek(end)
            self._file.truncate()
            raise

    def _replace(self, actions: Sequence[StoredAction]) -> None:
        new = self._path.with_name(self._path.name + ".new")
        new.unlink(missing_ok=True)
        file = _open_private(new)
        try:
            _write_all(file, b"".join(_line({"put": action.to_json()}) for action in actions))
            os.fsync(file.fileno())
            new.replace(self._path)
        except BaseException:
            file.close()
            raise
        self._file.close()
        self._file = file
        self._lines = len(actions)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _open_private(path: Path) -> FileIO:
    """A file that only its user can read: actions are about people.

    Without a buffer, so that nothing of a failed write is written later.
    """
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def _write_all(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _read(path: Path, content: bytes) -> tuple[dict[str, StoredAction], int]:
    """The actions that the whole lines leave, and how many lines these are. StoreError."""
    actions: dict[str, StoredAction] = {}
    lines = content.split(b"\n")[:-1]
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
            if "put" in line:
                action = StoredAction.from_json(line["put"])
                actions[action.op_id] = action
            else:
                actions.pop(line["remove"], None)
        except (ValueError, TypeError, KeyError):
            raise StoreError(f"{path} is damaged in line {number}") from None
    return actions, len(lines)
