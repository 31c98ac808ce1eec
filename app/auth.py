"""Signing in, staying signed in, and signing out.

A sign-in begins a session: a record in the user's own room, whose end every node sees. With it come a short-
lived access token and a refresh token, `SESSION.SECRET`, of which only the SHA-256 is kept. A refresh token
is good once. One that comes a second time is in two hands, so the session ends for both (RFC 9700, section
4.14.2); that holds too for two uses at the same moment, of which one wins.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from marshmallow import ValidationError

from app.sessions import Sessions
from app.tokens import JwtTokens
from handlers.dispatch.dispatcher import Dispatcher
from handlers.dispatch.org import OrgView
from handlers.session import end_sessions
from handlers.user import hash_password
from models.action import Ack
from models.actor import SYSTEM, Actor, actor_of
from models.errors import Unauthenticated, Unavailable
from models.journal import ORG, Record
from models.ports import Clock, Credentials, Ids, Limiter, Passwords, RefreshToken, SignedIn, Storage
from models.query import query
from models.schema import ID, invalid_from
from models.session import REUSE, SIGNED_OUT
from models.user import UserSignUpPayload, normal_email

REFRESH_LIFETIME = timedelta(days=30)
"""How long a refresh token waits to be used; the one that it is exchanged for waits as long again."""

SIGN_IN_BUDGET = "signin"
"""Attempts to sign in or up from one address."""

ACCOUNT_BUDGET = "signin-account"
"""Wrong passwords for one e-mail address, whether it has an account or not."""

AT_ONCE = 2
"""Passwords compared at the same time: as many as have a thread. It bounds how many guesses pass a lock that
they cause.
"""

WAITING = 200
"""Sign-ins that may wait for their turn; it takes them about half a minute."""

RETRY_AFTER = 5.0

WRONG = "The e-mail address or the password is wrong."
"""The one answer to a wrong password, an unknown address, and a disabled account."""

PROFILE = ("id", "email", "name", "roles", "disabled", "preferences")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a sign-in gives. `expires_in`, `refresh_expires_in`: seconds that the tokens are good for."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    user: Record

    def to_wire(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": self.refresh_token,
            "user": self.user,
        }


class Auth:
    """Accounts as people sign in to them. Every method may raise StorageLost or Unavailable."""

    def __init__(
        self,
        *,
        storage: Storage,
        credentials: Credentials,
        passwords: Passwords,
        org: OrgView,
        dispatcher: Dispatcher,
        sessions: Sessions,
        tokens: JwtTokens,
        limiter: Limiter,
        clock: Clock,
        ids: Ids,
        refresh_lifetime: timedelta = REFRESH_LIFETIME,
    ) -> None:
        self._storage = storage
        self._credentials = credentials
        self._passwords = passwords
        self._org = org
        self._dispatcher = dispatcher
        self._sessions = sessions
        self._tokens = tokens
        self._limiter = limiter
        self._clock = clock
        self._ids = ids
        self._refresh_lifetime = refresh_lifetime
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def authenticate(self, email: str, password: str, address: str) -> Grant:
        """Begin a session. `address` is where the request comes from.

        Unauthenticated, and after as much work, whatever it is that does not fit. RateLimited for too many
        attempts from the address or too many wrong passwords for the account, also for the right one.
        """
        self._limiter.spend(SIGN_IN_BUDGET, address)
        async with self._turn():
            user = await self._user_with(normal_email(email), password)
        return await self._begin(user)

    async def refresh(self, refresh_token: str) -> Grant:
        """Exchange a refresh token for a new one and a new access token. Unauthenticated if it is not good,
        or not any more.
        """
        session_id = _session_of(refresh_token)
        kept = await self._credentials.refresh_token(session_id)
        if kept is None or kept.expires_at <= self._clock.now().timestamp():
            raise Unauthenticated("This refresh token is not valid any more; sign in again.")
        actor = await self._org.actor(kept.user_id, session_id)
        if not await self._sessions.is_open(actor.id, session_id):
            raise Unauthenticated("This session has ended; sign in again.")
        secret = self._new_secret(session_id)
        if not await self._credentials.rotate_refresh_token(_hash(refresh_token), self._kept(actor, secret)):
            await self._end(actor, session_id, REUSE)
            raise Unauthenticated(
                "This refresh token was used before, so its session has ended; sign in again."
            )
        user = await self._org.get("user", actor.id)
        if user is None:
            raise Unauthenticated("This account does not exist any more.")
        return self._grant(user, session_id, secret)

    async def logout(
        self, signed_in: SignedIn, *, everywhere: bool = False, refresh_token: str | None = None
    ) -> None:
        """End the session of an access token, or all of the user; also that of the refresh token, if given
        and the user's own. Unauthenticated for what is no refresh token.
        """
        actor = signed_in.actor
        if refresh_token is not None and not everywhere:
            session_id = _session_of(refresh_token)
            kept = await self._credentials.refresh_token(session_id)
            if kept is not None and kept.user_id == actor.id and kept.token_hash == _hash(refresh_token):
                await self._end(actor, session_id, SIGNED_OUT)
        await self._end(actor, None if everywhere else actor.session_id, SIGNED_OUT)

    async def leave(self, access_token: str | None, refresh_token: str | None) -> None:
        """End the sessions of these tokens, which may be missing or no good any more: a refresh token also
        where it was used a moment before, by a page that was waking up while its user left.
        """
        with suppress(Unauthenticated):
            session_id = _session_of(refresh_token or "")
            kept = await self._credentials.refresh_token(session_id)
            if kept is not None:
                await self._end(await self._org.actor(kept.user_id, session_id), session_id, SIGNED_OUT)
        with suppress(Unauthenticated):
            actor = (await self._tokens.verify(access_token)).actor
            await self._end(actor, actor.session_id, SIGNED_OUT)

    async def newest(self, actor: Actor, *, anew: bool = False) -> SignedIn:
        """See `realtime.own_pages.Renewals`. An access token is issued whenever the refresh token is, and the
        one that is kept tells when that was.
        """
        session_id = actor.session_id or ""
        known = await self._org.actor(actor.id, session_id)
        kept = await self._credentials.refresh_token(session_id)
        if kept is None or not await self._sessions.is_open(actor.id, session_id, anew=anew):
            raise Unauthenticated("This session has ended; sign in again.")
        issued_at = kept.expires_at - int(self._refresh_lifetime.total_seconds())
        return SignedIn(known, issued_at + int(self._tokens.lifetime.total_seconds()))

    async def sign_up(self, sent: dict[str, Any], address: str) -> Ack:
        """Make an account for oneself; whether anybody may is for the caller to know.

        RateLimited for too many attempts from the address; else as the action `user.sign_up`: Invalid,
        Conflict.
        """
        self._limiter.spend(SIGN_IN_BUDGET, address)
        try:
            payload = UserSignUpPayload().load(sent)
        except ValidationError as error:
            raise invalid_from(error) from None
        await hash_password(payload, self._passwords)
        return await self._dispatcher.run_internal("user.sign_up", payload)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One's turn to have a password compared. Unavailable where too many are waiting for theirs."""
        if self._waiting >= WAITING:
            raise Unavailable(
                "Too many people are signing in; try again in a moment.", retry_after=RETRY_AFTER
            )
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def _user_with(self, email: str, password: str) -> Record:
        """The user with this address and password, who is not disabled. The same steps for every address."""
        self._limiter.check(ACCOUNT_BUDGET, email)
        found = await self._storage.find(query("user", room=ORG, email=email, limit=1))
        user = found[0] if found else None
        password_hash = await self._credentials.password_hash(user["id"] if user else SYSTEM.id)
        fits = await self._passwords.verify(password, password_hash)
        if user is None or not fits or user["disabled"]:
            self._limiter.spend(ACCOUNT_BUDGET, email)
            raise Unauthenticated(WRONG)
        return user

    async def _begin(self, user: Record) -> Grant:
        session_id = self._ids.new("s")
        actor = actor_of(user, session_id)
        secret = self._new_secret(session_id)
        await self._credentials.add_refresh_token(self._kept(actor, secret))
        await self._dispatcher.run_internal(
            "user.login", {"user_id": actor.id, "session_id": session_id}, actor
        )
        return self._grant(user, session_id, secret)

    async def _end(self, actor: Actor, session_id: str | None, reason: str) -> None:
        """The journal first: what it says ended is ended, whatever becomes of the rest."""
        run = partial(self._dispatcher.run_internal, actor=actor)
        await end_sessions(run, actor.id, session_id, reason=reason)
        await self._credentials.end_sessions(actor.id, session_id)

    def _grant(self, user: Record, session_id: str, refresh_token: str) -> Grant:
        token = self._tokens.issue(user["id"], session_id)
        expires_in = token.expires_at - int(self._clock.now().timestamp())
        refresh_expires_in = int(self._refresh_lifetime.total_seconds())
        return Grant(token.text, expires_in, refresh_token, refresh_expires_in, profile(user))

    def _new_secret(self, session_id: str) -> str:
        return f"{session_id}.{self._ids.new('r')}"

    def _kept(self, actor: Actor, refresh_token: str) -> RefreshToken:
        expires_at = int((self._clock.now() + self._refresh_lifetime).timestamp())
        session_id = _session_of(refresh_token)
        return RefreshToken(session_id, actor.id, _hash(refresh_token), expires_at)


def profile(user: Mapping[str, Any]) -> Record:
    """What an account shows of itself: no more than these fields."""
    return {name: user[name] for name in PROFILE}


def _session_of(refresh_token: str) -> str:
    """The session that a refresh token names. Unauthenticated for what is no refresh token."""
    session_id, _, secret = refresh_token.partition(".")
    if not ID.match(session_id) or not ID.match(secret):
        raise Unauthenticated("This is no refresh token.")
    return session_id


def _hash(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()
