"""What the Python client sends for several subscriptions of one turn; tests/web/test_district.py counts the
JavaScript client's.
"""

from __future__ import annotations

import pytest

from client import Client, sign_in
from client.connection import Connection
from tests.client.programs import PASSWORD
from tests.parts.serve import Rollcall

TOPICS = ("school:s1", "class:s1-c1", "summary:s1")


async def test_subscriptions_of_one_turn_are_one_request(
    server: Rollcall, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit = Connection.emit
    sent: list[str] = []

    def counting(self: Connection, event: str, *args: object) -> None:
        sent.append(event)
        emit(self, event, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Connection, "emit", counting)
    session = await sign_in(server.url, "head@s1.demo.test", PASSWORD)
    async with Client(server.url, user=session.user["id"], token=session.token) as client:
        await client.subscribe("user:u-s1-head").live()
        sent.clear()
        topics = [client.subscribe(name) for name in TOPICS]
        assert [topic.status.state for topic in topics] == ["catching_up"] * len(TOPICS)
        for topic in topics:
            await topic.live()
    assert sent == ["subscribe"]
