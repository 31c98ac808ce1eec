"""Signing in with an e-mail address and a password, and staying signed in."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp

from client.effects import Why
from client.errors import Refused
from client.wire import Json, Token

TOO_SHORT = 60.0
"""A token with less time than this, in seconds, is not worth connecting with."""

LIMIT = 20.0
"""Seconds."""


class Session:
    """Who has signed in. Its refresh token is in memory only. `user`: `{id, email, name, roles, …}`."""

    def __init__(self, url: str, signed_in: Json) -> None:
        self._url = url
        self._signed_in = signed_in
        self._got_at = time.time()
        self._turn = asyncio.Lock()

    @property
    def user(self) -> Json:
        """The account."""
        user: Json = self._signed_in["user"]
        return user

    async def token(self, why: Why) -> Token | None:
        """The `token` function of a client. None: the session has ended.

        aiohttp.ClientError, TimeoutError or Refused: try again later.
        """
        asked_at = time.time()
        # One at a time: a refresh token that is used twice ends the session.
        async with self._turn:
            left = self._signed_in["expires_in"] - (time.time() - self._got_at)
            is_new = self._got_at > asked_at
            if (why == "connect" and left > TOO_SHORT) or is_new:
                return Token(self._signed_in["access_token"], left)
            refresh = {"refresh_token": self._signed_in["refresh_token"]}
            try:
                self._signed_in = await _post(f"{self._url}/api/users/refresh", refresh)
            except Refused as refused:
                if refused.code == "unauthenticated":
                    return None
                raise
            self._got_at = time.time()
            return Token(self._signed_in["access_token"], self._signed_in["expires_in"])


async def sign_in(url: str, email: str, password: str) -> Session:
    """Sign in. Refused (`unauthenticated`, `rate_limited`, …), aiohttp.ClientError, TimeoutError."""
    account = {"email": email, "password": password}
    return Session(url, await _post(f"{url}/api/users/authenticate", account))


async def _post(url: str, body: dict[str, str]) -> Json:
    timeout = aiohttp.ClientTimeout(total=LIMIT)
    async with aiohttp.request("POST", url, json=body, timeout=timeout) as answer:
        content: dict[str, Any] = await answer.json()
        if not answer.ok:
            raise Refused(content["error"])
        return content
