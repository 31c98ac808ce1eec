"""The lock that keeps a second process away from a database file."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from models.ports import StorageRefused

SHOWN_WORDS = 4
"""How much of the command line is written down: what was started, but no option, which may be a secret."""


class FileLock:
    """An exclusive lock on a file beside the database, which holds who has it.

    The kernel gives it back when the process ends, however it ends; the file itself stays.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(f"{database.name}.lock")
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock. StorageRefused, naming the process that has it, if it is taken; OSError."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 1_000).decode(errors="replace").strip()
            os.close(file)
            raise StorageRefused(
                f"{self._database} is in use by {holder or 'another process'}; "
                "stop it or use another ROLLCALL_DATABASE_URL"
            ) from None
        except OSError:
            os.close(file)
            raise
        os.ftruncate(file, 0)
        os.write(file, f"process {os.getpid()} ({_command()})\n".encode())
        self._file = file

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _command() -> str:
    program, *arguments = sys.orig_argv[:SHOWN_WORDS]
    return " ".join([Path(program).name, *arguments])
