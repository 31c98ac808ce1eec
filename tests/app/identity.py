"""Identity over the core of a test: accounts with passwords, sessions and tokens."""

from __future__ import annotations

from collections.abc import Sequence

from app.auth import ACCOUNT_BUDGET, SIGN_IN_BUDGET, Auth
from app.limits_memory import LimiterMemory
from app.sessions import Sessions
from app.tokens import JwtTokens
from models.actor import Actor
from models.session import user_room
from tests.kit import CoreKit, CountedIds

KEYS = {
    "first": "the-first-secret-of-the-tests-0123456789",
    "second": "the-second-secret-of-the-tests-987654321",
}
PASSWORD = "correct horse battery"
HERE = "192.0.2.1"


class CountedPasswords:
    """Remembers what was compared; a hash is the password backwards."""

    def __init__(self) -> None:
        self.verified: list[tuple[str, str | None]] = []

    async def hash(self, password: str) -> str:
        return password[::-1]

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.verified.append((password, password_hash))
        return password_hash == password[::-1]


class Identity:
    """Signing in and out on a core."""

    def __init__(self, core: CoreKit) -> None:
        self.core = core
        self.passwords = CountedPasswords()
        self.ids = CountedIds()
        self.limiter = LimiterMemory({SIGN_IN_BUDGET: None, ACCOUNT_BUDGET: None})
        self.sessions = Sessions(core.storage, core.clock)
        core.listeners.append(self.sessions.apply)
        self.tokens = self.tokens_with(KEYS)
        self.auth = self.auth_with(self.limiter)

    def tokens_with(self, keys: dict[str, str]) -> JwtTokens:
        """Tokens of a node with these keys."""
        return JwtTokens(keys, org=self.core.core.org, sessions=self.sessions, clock=self.core.clock)

    def auth_with(self, limiter: LimiterMemory) -> Auth:
        """Signing in under these limits."""
        return Auth(
            storage=self.core.storage,
            credentials=self.core.credentials,
            passwords=self.passwords,
            org=self.core.core.org,
            dispatcher=self.core.core.dispatcher,
            sessions=self.sessions,
            tokens=self.tokens,
            limiter=limiter,
            clock=self.core.clock,
            ids=self.ids,
        )

    async def account(
        self,
        id: str,
        *,
        roles: Sequence[tuple[str, str]] = (),
        password: str | None = PASSWORD,
        name: str = "Ada Example",
    ) -> Actor:
        """A user, `ID@example.test`, with a password."""
        actor = await self.core.actor(id, roles=roles, name=name)
        if password is not None:
            await self.core.credentials.set_password_hash(id, await self.passwords.hash(password))
        return actor

    async def token(self, actor: Actor) -> str:
        """An access token of a new session."""
        session_id = self.ids.new("s")
        login = {"user_id": actor.id, "session_id": session_id}
        await self.core.core.dispatcher.run_internal("user.login", login, actor)
        return self.tokens.issue(actor.id, session_id).text

    def sessions_of(self, user_id: str) -> dict[str, str | None]:
        """The user's sessions as the journal tells them: id → the reason of its end."""
        entries = self.core.entries(user_room(user_id))
        return {
            entry.data["id"]: entry.data["reason"] for entry in entries if entry.data["kind"] == "session"
        }
