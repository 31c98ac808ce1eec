"""Access tokens: signed JWTs that say who somebody is and in which session, not what they may do."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from app.sessions import Sessions
from handlers.dispatch.org import OrgView
from models.errors import Unauthenticated
from models.ports import Clock, SignedIn
from models.schema import ID

LIFETIME = timedelta(minutes=15)

ALGORITHM = "HS256"
CLAIMS = ("sub", "sid", "iat", "exp")

KEY_BYTES = 32
"""RFC 7518, section 3.2: a key for HS256 has at least 256 bits."""

SKEW = 60
"""Seconds by which another node's clock may be ahead of this one's."""

LONGEST = 4_096
"""Characters of the longest text that is looked at; ours have about 250."""


REMEMBERED = 1_024
"""Tokens of which the claims are remembered, about 1 KB each; whether they still count is asked each time."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token, and until when it is good (seconds since 1970)."""

    text: str
    expires_at: int


class JwtTokens:
    """Signs access tokens with the first key of `keys` (key id → secret), and verifies those of all of them.

    To rotate keys, put a new one in front, and take the old one away once its last token has expired. Only
    HS256 is accepted, whatever a token's header says.
    """

    def __init__(
        self,
        keys: Mapping[str, str],
        *,
        org: OrgView,
        sessions: Sessions,
        clock: Clock,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        if not keys or any(len(secret.encode()) < KEY_BYTES for secret in keys.values()):
            raise ValueError(f"access tokens need at least one key, and each key {KEY_BYTES} bytes")
        self._keys = dict(keys)
        self._signing = next(iter(self._keys))
        self._org = org
        self._sessions = sessions
        self._clock = clock
        self.lifetime = lifetime
        # A signature that was good remains so, and most tokens come again and again.
        self._signed_claims = functools.lru_cache(REMEMBERED)(self._check_signature)

    def issue(self, user_id: str, session_id: str) -> AccessToken:
        """A token for the user in the session, good from now on for the lifetime."""
        issued_at = int(self._clock.now().timestamp())
        expires_at = issued_at + int(self.lifetime.total_seconds())
        claims = {"sub": user_id, "sid": session_id, "iat": issued_at, "exp": expires_at}
        text = jwt.encode(
            claims, self._keys[self._signing], algorithm=ALGORITHM, headers={"kid": self._signing}
        )
        return AccessToken(text, expires_at)

    def user_of(self, token: object) -> str:
        """See the port."""
        return str(self._claims(token)["sub"])

    async def verify(self, token: object, *, anew: bool = False) -> SignedIn:
        """Who the token stands for, as they are now.

        Unauthenticated for no, a bad or an expired token, a session that has ended, and a user who is
        disabled or gone. StorageLost. `anew`: as `Sessions.is_open`.
        """
        claims = self._claims(token)
        actor = await self._org.actor(claims["sub"], claims["sid"])
        if not await self._sessions.is_open(actor.id, claims["sid"], anew=anew):
            raise Unauthenticated("This session has ended; sign in again.")
        return SignedIn(actor, claims["exp"])

    def _claims(self, token: object) -> dict[str, Any]:
        """The claims of a token of ours that has not expired."""
        if not isinstance(token, str) or not token:
            raise Unauthenticated
        try:
            claims = self._signed_claims(token)
        except (jwt.PyJWTError, UnicodeError):
            raise Unauthenticated("This is no valid access token.") from None
        if not all(isinstance(claims[name], str) and ID.match(claims[name]) for name in ("sub", "sid")):
            raise Unauthenticated("This is no valid access token.")
        if not all(type(claims[name]) is int for name in ("iat", "exp")):
            raise Unauthenticated("This is no valid access token.")
        now = self._clock.now().timestamp()
        if now >= claims["exp"]:
            raise Unauthenticated("The access token has expired; refresh it or sign in again.")
        if claims["iat"] > now + SKEW:
            raise Unauthenticated("The access token is not good yet: the clocks of two servers differ.")
        return claims

    def _check_signature(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST:
            raise jwt.InvalidTokenError
        kid = jwt.get_unverified_header(token).get("kid")
        key = self._keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise jwt.InvalidTokenError
        # Times are checked against the clock of the node, which tests set.
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            options={
                "require": list(CLAIMS),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
