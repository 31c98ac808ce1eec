"""Node with the official JavaScript client."""

import shutil
from pathlib import Path

import pytest

from tests.parts.missing import missing

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def node() -> Path:
    """The path of Node. Scripts below the project's folder find ``socket.io-client`` by its name."""
    found = shutil.which("node")
    if found is None or not (ROOT / "node_modules" / "socket.io-client").is_dir():
        missing("Node with socket.io-client", "install Node 18 or newer with npm, and run scripts/test")
    return Path(found)
