"""Fixtures for tests through the Socket.IO door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.realtime.kit import DoorKit, open_door
from tests.school import School, make_school


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[DoorKit]:
    """A node with its Socket.IO door over an empty SQLite file."""
    async with open_door(tmp_path / "rollcall.db") as door:
        yield door


@pytest.fixture
async def school(door: DoorKit) -> School:
    """A small school on the node of `door`."""
    return await make_school(door.core)
