"""A server that speaks the MongoDB protocol: MongoDB itself where there is one, else the stand-in for it.

The stand-in (tests/mongo_server) keeps everything in memory. Where it differs from MongoDB: a unique index
allows any number of documents in which its field is an empty list (MongoDB: one); it ignores
``partialFilterExpression``; and it has no ``explain``, ``hello``, sessions, transactions or change streams.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pymongo
import pytest

from tests.parts.missing import missing
from tests.parts.process import HOST, ServerProcess, free_port

_JAR = Path(__file__).parents[1] / "mongo_server" / "target" / "mongo-server.jar"
# A server for tests is wanted soon, not fast for hours.
_JVM_OPTIONS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server, without a database: other tests use it too, so take an own one."""
    if given := os.environ.get("ROLLCALL_TEST_MONGODB_URL"):
        yield given
        return
    server = mongodb_process(tmp_path_factory.mktemp("mongodb"))
    try:
        server.start_blocking()
        yield server.url
    finally:
        server.kill()


@pytest.fixture
def mongodb_database_url(mongodb_url: str) -> Iterator[str]:
    """The address of an empty database that only this test uses, dropped after it."""
    name = f"rollcall_test_{uuid4().hex}"
    yield urlunsplit(urlsplit(mongodb_url)._replace(path=f"/{name}"))
    with pymongo.MongoClient[dict[str, object]](mongodb_url) as client:
        client.drop_database(name)


@pytest.fixture
def mongodb_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A running server of this test alone, to stop, start, pause and resume.

    The stand-in has lost its data after ``stop``; for a server that only cannot be reached, use ``pause``.
    """
    server = mongodb_process(tmp_path / "mongodb")
    try:
        server.start_blocking()
        yield server
    finally:
        server.kill()


def mongodb_process(folder: Path, memory: str = "512m") -> ServerProcess:
    """A server that keeps its data in the folder, or in so much memory; not started."""
    port = free_port()
    url = f"mongodb://{HOST}:{port}"
    folder.mkdir(exist_ok=True)
    if mongod := shutil.which("mongod"):
        command = [mongod, "--bind_ip", HOST, "--port", str(port), "--dbpath", str(folder), "--nounixsocket"]
        return ServerProcess(command, url=url, ready="Waiting for connections")
    java = shutil.which("java")
    if java is None or not _JAR.exists():
        missing(
            "A MongoDB", "install MongoDB, or Maven and a JDK, and run scripts/test, which builds a stand-in"
        )
    command = [java, *_JVM_OPTIONS, f"-Xmx{memory}", "-jar", str(_JAR), str(port)]
    return ServerProcess(command, url=url, ready="listening on ")
