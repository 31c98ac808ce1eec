"""Makes the demo accounts and gives them their passwords."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from app.demo.loader import Advance, Draft, Loader, in_parts
from app.demo.passwords import set_password_of_all, with_demo_password
from app.demo.plan import Account, account_member, account_user
from handlers.core import Core
from models.clock import rfc3339
from models.journal import ORG
from models.ports import Clock, Credentials, Loaded, Passwords
from models.query import query
from models.user import PASSWORD_HASH

AT_ONCE = 250
"""Accounts in one commit: each has at most two entries."""


class AccountLoader:
    """Adds demo accounts that are missing; others keep their roles and passwords. StorageLost."""

    def __init__(
        self, loader: Loader, *, core: Core, credentials: Credentials, passwords: Passwords, clock: Clock
    ) -> None:
        self._loader = loader
        self._core = core
        self._credentials = credentials
        self._passwords = passwords
        self._clock = clock

    async def add_missing(self, accounts: Iterable[Account], password_hash: str, advance: Advance) -> int:
        """Make accounts with the password that the hash is of; how many entries were written.

        An account whose address somebody else has is left out.
        """
        entries = 0
        for some in in_parts(accounts, AT_ONCE):
            drafts = {account.id: self._drafts(account) for account in some}

            async def decide(
                loaded: Loaded, some: list[Account] = some, drafts: dict[str, list[Draft]] = drafts
            ) -> list[Draft]:
                new = await self._new(some, loaded)
                await set_password_of_all(self._credentials, [account.id for account in new], password_hash)
                return [draft for account in new for draft in drafts[account.id]]

            keys = [("user", account.id) for account in some]
            entries += await self._loader.append(ORG, keys, decide)
            advance(len(some))
        return entries

    async def replace_demo_password(self, password_hash: str) -> int:
        """Give all who still have the demo password this one, which ends their sessions; how many that is."""
        users = await with_demo_password(self._core.storage, self._credentials, self._passwords)
        run = self._core.dispatcher.run_internal
        for some in in_parts(users, AT_ONCE):
            payloads = [{"user_id": user["id"], PASSWORD_HASH: password_hash} for user in some]
            await asyncio.gather(*(run("user.set_password", payload) for payload in payloads))
        return len(users)

    def _drafts(self, account: Account) -> list[Draft]:
        user = account_user(account, rfc3339(self._clock.now()))
        member = account_member(account, user)
        drafts = [Draft("user.create", user)]
        return drafts if member is None else [*drafts, Draft("team.member", member)]

    async def _new(self, accounts: Sequence[Account], loaded: Loaded) -> list[Account]:
        """Those of the accounts that are not there, by id and by address."""
        absent = [account for account in accounts if loaded.records["user", account.id] is None]
        emails = tuple(account.email for account in absent)
        taken = (
            await self._core.storage.find(query("user", room=ORG, one_of={"email": emails})) if emails else []
        )
        taken_emails = {user["email"] for user in taken}
        return [account for account in absent if account.email not in taken_emails]
