"""The C compiler that builds the load generator."""

from __future__ import annotations

import pytest

from bench import builds
from tests.parts.missing import missing


@pytest.fixture(scope="module")
def compiler() -> None:
    """The load generator is built."""
    try:
        builds.generator()
    except builds.ToolMissing as tool:
        missing("A C compiler", tool.message)
