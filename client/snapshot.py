"""Getting a topic's snapshot by HTTP."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import aiohttp

from client.wire import Json

LIMIT = 20.0
"""Seconds; less than the core waits for an answer."""


async def fetch_snapshot(url: str, token: str | None, topic: str, date: str | None) -> Json | None:
    """The topic's `{topic, position, records}`.

    None where that is not possible now, whatever the reason: subscribing by the socket tells it.
    """
    headers = {"Authorization": f"Bearer {token}"}
    params = {} if date is None else {"date": date}
    timeout = aiohttp.ClientTimeout(total=LIMIT)
    with suppress(aiohttp.ClientError, OSError):
        path = f"{url}/api/topics/{quote(topic, safe='')}"
        async with aiohttp.request("GET", path, headers=headers, params=params, timeout=timeout) as answer:
            if answer.ok:
                snapshot: Json = await answer.json()
                return snapshot
    return None
