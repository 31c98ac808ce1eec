"""A server that cannot listen."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Key, read_settings
from app.main import open_node, serve


async def test_a_server_that_cannot_listen_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = replace(
            read_settings(),
            host="127.0.0.1",
            port=taken.getsockname()[1],
            database_url=f"sqlite:///{tmp_path}/rollcall.db",
            keys=(Key("k1", "0123456789abcdef0123456789abcdef"),),
        )
        node = await open_node(settings)
        before = asyncio.all_tasks()
        with pytest.raises(OSError, match="in use"):
            await serve(node, asyncio.Event(), lambda: None)
        assert asyncio.all_tasks() == before
        await node.close()
