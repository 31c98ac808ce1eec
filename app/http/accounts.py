"""Accounts: signing in and out, one's own profile, and the list of users."""

from __future__ import annotations

from typing import Any

from marshmallow import validate

from app.auth import profile
from app.http.call import Call
from app.http.query import PageQuery, Switch, check_cursor, page
from app.http.route import Answer, Token, named, route
from handlers.directory_reads import users_for_actor
from models.action import Action
from models.errors import NotFound, RollcallError, Unauthenticated
from models.journal import Record
from models.schema import Payload, StrictString
from models.user import EMAIL_LENGTH, UserChanges, UserCreatePayload

TAG = "accounts"

IDEMPOTENCY_KEY = "Idempotency-Key"
"""The header with the op_id of a write that is short for an action; without it, a retry may act twice."""

PASSWORD_LENGTH = 1_000
"""Longer than any password that can have been set."""

TOKEN_LENGTH = 200


def _at_most(length: int) -> validate.Length:
    return validate.Length(max=length, error="must have at most {max} characters")


class SignInBody(Payload):
    """An account and its password."""

    email = StrictString(required=True, validate=_at_most(EMAIL_LENGTH))
    password = StrictString(required=True, validate=_at_most(PASSWORD_LENGTH))


class RefreshBody(Payload):
    """A refresh token, which is good once."""

    refresh_token = StrictString(required=True, validate=_at_most(TOKEN_LENGTH))


class SignOutBody(Payload):
    """The refresh token of another session that is to end too."""

    refresh_token = StrictString(load_default=None, validate=_at_most(TOKEN_LENGTH))


class SignOutQuery(Payload):
    """Which sessions end."""

    all = Switch(
        load_default=False, metadata={"description": "End all sessions of the account, on every device."}
    )


@route(
    "POST",
    "/api/users/authenticate",
    "Sign in",
    returns="An access token for 15 minutes, a refresh token for 30 days, and the account.",
    access="anybody; a number of attempts for each address, and of wrong passwords for each account",
    tag=TAG,
    token=Token.NONE,
    body=SignInBody,
    shape=named("Grant"),
)
async def authenticate(call: Call) -> Answer:
    """Begin a session."""
    body = call.body
    grant = await call.door.auth.authenticate(body["email"], body["password"], call.address)
    return grant.to_wire()


@route(
    "POST",
    "/api/users/refresh",
    "Stay signed in",
    returns="A new access token, and the refresh token to use next; the one used is void.",
    access="who has the refresh token; a second use of one ends its session",
    tag=TAG,
    token=Token.NONE,
    body=RefreshBody,
    shape=named("Grant"),
)
async def refresh(call: Call) -> Answer:
    """Exchange a refresh token."""
    return (await call.door.auth.refresh(call.body["refresh_token"])).to_wire()


@route(
    "POST",
    "/api/users/logout",
    "Sign out",
    returns="`ok`; open sockets of what has ended are closed.",
    tag=TAG,
    query=SignOutQuery,
    body=SignOutBody,
    body_required=False,
)
async def logout(call: Call) -> Answer:
    """End this session, or all."""
    await call.door.auth.logout(
        call.signed_in, everywhere=call.query["all"], refresh_token=call.body["refresh_token"]
    )
    return {"ok": True}


@route(
    "POST",
    "/api/users",
    "Create an account",
    returns="The ack of `user.create`, with the account.",
    access="administrators; without a token anybody, where sign-up is on, for an account without roles",
    tag=TAG,
    token=Token.OPTIONAL,
    body=UserCreatePayload,
    status=201,
    shape=named("Ack"),
    takes_op_id=True,
)
async def create_user(call: Call) -> Answer:
    """Create an account for somebody else, or for oneself."""
    if call.who is not None:
        return await _act(call, "user.create", call.sent)
    if not call.door.sign_up:
        raise Unauthenticated("Only an administrator can create an account here: sign in first.")
    return (await call.door.auth.sign_up(call.sent, call.address)).to_wire()


@route(
    "GET",
    "/api/users/me",
    "Your account",
    returns="Your profile with roles and preferences.",
    tag=TAG,
    shape=named("Profile"),
)
async def me(call: Call) -> Answer:
    """The own account."""
    user = await call.core.org.get("user", call.actor.id)
    if user is None:
        raise NotFound("This account does not exist any more.")
    return profile(user)


@route(
    "PATCH",
    "/api/users/me",
    "Change your account",
    returns="The ack of `user.update`, with the account.",
    tag=TAG,
    body=UserChanges,
    shape=named("Ack"),
    takes_op_id=True,
)
async def change_me(call: Call) -> Answer:
    """Change the own account."""
    try:
        return await _act(call, "user.update", {"user_id": call.actor.id, "set": call.sent})
    except RollcallError as error:
        if error.fields:
            error.fields = {path.removeprefix("set."): texts for path, texts in error.fields.items()}
        raise


@route(
    "GET",
    "/api/users",
    "The users",
    returns="Accounts by name.",
    access="administrators: all; administrators of a school: those with a role there",
    tag=TAG,
    query=PageQuery,
)
async def users(call: Call) -> Answer:
    """The users that the actor administers."""
    after = check_cursor(call.query["cursor"], str, str)
    found, further = await users_for_actor(
        call.core.storage, call.actor, after=after, limit=call.query["limit"]
    )
    return page([_listed(user) for user in found], further)


def _listed(user: Record) -> Record:
    return {**profile(user), "kind": "user", "seq": user["seq"], "created_at": user["created_at"]}


async def _act(call: Call, type: str, payload: dict[str, Any]) -> Answer:
    op_id = call.request.headers.get(IDEMPOTENCY_KEY) or call.door.ids.new("http")
    ack = await call.core.dispatcher.run(Action(type, payload, op_id, call.actor))
    return ack.to_wire()
