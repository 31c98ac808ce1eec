"""A folder on the machine's disk: scripts/test keeps the files of other tests in memory."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

_ON_DISK = (
    "/var/tmp"  # refspecs.linuxfoundation.org/fhs.shtml: what is in it outlives the machine's next start
)


@pytest.fixture
def folder_on_disk() -> Iterator[Path]:
    """An empty folder on the disk, for tests that kill a process while it writes there.

    In memory a write is durable at once, and no kill would meet a process that waits for it.
    """
    with TemporaryDirectory(dir=_ON_DISK) as folder:
        yield Path(folder)
