"""Connections to the Redis that an address names, all in the same manner: bytes, RESP2, and no retries that
nobody hears of.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

LIMIT = 3.0
"""Seconds to connect, and for an answer."""


def redis_pool(url: str, name: str) -> ConnectionPool:
    """What makes connections to `redis://…`, `rediss://…` or `unix://…`; `name` is what `CLIENT LIST` shows.

    ValueError for what is no such address, or has options that do not exist. Options count, but for those
    that are ours. Who uses a connection limits the waits, also that for a connection.
    """
    options: dict[str, Any] = dict(parse_url(url))
    ours = {
        "client_name": name,
        # What RESP3 adds is of no use here, and its replies have other types.
        "protocol": 2,
        "decode_responses": False,
        "health_check_interval": 0,
        # redis-py's own limit is asyncio.wait_for, which before Python 3.12 may swallow a cancellation.
        "socket_timeout": None,
        "socket_connect_timeout": LIMIT,
        # redis-py would come back by itself, and say nothing about what was lost meanwhile.
        "retry": Retry(NoBackoff(), 0),
    }
    pool = ConnectionPool(**{**options, **ours})
    try:
        pool.make_connection()
    except TypeError as error:
        raise ValueError(str(error)) from None
    return pool


async def echo(url: str) -> None:
    """Return once the Redis has carried a message. RedisError, OSError or TimeoutError where it does not."""
    channel = f"rollcall:echo:{secrets.token_hex(8)}"
    pool = redis_pool(url, "rollcall-echo")
    try:
        async with asyncio.timeout(LIMIT), Redis(connection_pool=pool) as client, client.pubsub() as listener:
            await listener.subscribe(channel)
            await client.publish(channel, "")
            async for message in listener.listen():
                if message["type"] == "message":
                    return
    finally:
        await pool.disconnect()
