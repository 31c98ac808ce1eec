"""The demo password, which everybody knows, and who still has it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from app.demo.loader import in_parts
from app.demo.plan import is_demo_email
from models.journal import ORG, Record
from models.ports import Credentials, Passwords, Storage
from models.query import query

DEMO_PASSWORD = "rollcall-demo"  # noqa: S105 - published on purpose

PAGE = 500


async def with_demo_password(
    storage: Storage, credentials: Credentials, passwords: Passwords
) -> list[Record]:
    """The users with a demo address who can sign in with the demo password, all of them. StorageLost.

    Accounts that were made in one go share a hash, and each hash is checked once: that takes a fraction of
    a second, and longer only after many of these people have chosen passwords of their own.
    """
    users_of: dict[str, list[Record]] = {}
    for user in await _demo_users(storage):
        password_hash = await credentials.password_hash(user["id"])
        if password_hash is not None:
            users_of.setdefault(password_hash, []).append(user)
    fits = await asyncio.gather(
        *(passwords.verify(DEMO_PASSWORD, password_hash) for password_hash in users_of)
    )
    return [user for users, fit in zip(users_of.values(), fits, strict=True) if fit for user in users]


async def set_password_of_all(credentials: Credentials, user_ids: Iterable[str], password_hash: str) -> None:
    """Give all of these users the same password. StorageLost."""
    for some in in_parts(user_ids, PAGE):
        await asyncio.gather(*(credentials.set_password_hash(user_id, password_hash) for user_id in some))


async def _demo_users(storage: Storage) -> list[Record]:
    """The users with a demo address whose accounts are not disabled."""
    found: list[Record] = []
    page = query("user", room=ORG, order=("email",), limit=PAGE)
    while users := await storage.find(page):
        found += [user for user in users if is_demo_email(user["email"]) and not user["disabled"]]
        page = query("user", room=ORG, order=("email",), limit=PAGE, after=page.page_key(users[-1]))
    return found
