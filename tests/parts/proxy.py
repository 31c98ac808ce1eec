"""A TCP proxy between clients and a server, to cut and to refuse connections."""

import asyncio
import re
from types import TracebackType
from urllib.parse import urlsplit

from tests.parts.process import HOST

_REQUEST = re.compile(rb"^((?:GET|POST) \S+) HTTP/1\.1\r$", re.MULTILINE)


class Proxy:
    """Passes bytes on between whoever connects to `url` and the server; an async context manager."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._target = (parts.hostname, parts.port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._refuses = False
        self.url = ""
        self.requests: list[str] = []
        """The addresses of the HTTP requests that have come, with their methods."""

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        if self._connections:
            await asyncio.wait(self._connections)

    def cut(self) -> None:
        """Ends every connection at once, without a farewell."""
        for writer in self._writers:
            writer.transport.abort()

    def refuse(self) -> None:
        """Cuts, and lets nobody connect until `accept`."""
        self._refuses = True
        self.cut()

    def accept(self) -> None:
        """Lets everybody connect again."""
        self._refuses = False

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        if self._refuses:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            to_reader, to_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(to_writer)
        try:
            await asyncio.gather(
                self._pass_on(reader, to_writer, watch=True), self._pass_on(to_reader, writer, watch=False)
            )
        except OSError:
            pass  # one side is gone, and so is the other
        finally:
            for end in (writer, to_writer):
                end.transport.abort()
                self._writers.discard(end)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, watch: bool
    ) -> None:
        """Passes everything on, then the end."""
        while data := await reader.read(2**16):
            if watch:
                self.requests += [found.decode() for found in _REQUEST.findall(data)]
            writer.write(data)
            await writer.drain()
        writer.transport.abort()
