"""`user`: accounts, from the command line of the server's machine."""

from __future__ import annotations

import secrets
import sys
from typing import Any, cast

import click

from app.commands.running import Failure, opened, run, settings_of_process
from app.config import Settings
from app.main import Node
from handlers.session import SESSIONS
from models.action import Action
from models.actor import ROLE_SCOPES, SYSTEM
from models.journal import ORG, Record
from models.query import query
from models.user import PASSWORD_HASH, check_password, normal_email

SESSIONS_LIMIT = 10.0
"""Seconds to wait until the sessions of a user with a new password have ended; they do in any case."""


class Role(click.ParamType[dict[str, str]]):
    """`ROLE@SCOPE`, such as `teacher@class:s1-c1`, or shorter `teacher@s1-c1`; `admin` needs no scope."""

    name = "ROLE@SCOPE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """The role assignment."""
        role, _, scope = str(value).partition("@")
        if role not in ROLE_SCOPES:
            self.fail(f"{role!r} is no role; the roles are {', '.join(ROLE_SCOPES)}", param, ctx)
        noun = ROLE_SCOPES[role]
        if noun == ORG:
            scope = scope or ORG
        elif not scope:
            self.fail(f"{role} needs the {noun} that it is for: {role}@{noun}:ID", param, ctx)
        elif ":" not in scope:
            scope = f"{noun}:{scope}"
        return {"role": role, "scope": scope}


_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it."
)


@click.group()
def user() -> None:
    """Accounts: add one, set a password, give and take roles."""


@user.command()
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option(
    "--role",
    "roles",
    type=Role(),
    multiple=True,
    help="Such as admin, school_admin@s1, teacher@s1-c1, lead@t1. May be repeated.",
)
@_password_stdin
def add(email: str, name: str, roles: tuple[dict[str, str], ...], password_stdin: bool) -> None:
    """Add an account."""
    settings = settings_of_process()
    payload = {"email": email, "name": name, "roles": list(roles), "password": _password(password_stdin)}
    run(_add(settings, payload))


async def _add(settings: Settings, payload: dict[str, Any]) -> None:
    async with opened(settings) as node:
        ack = await node.core.dispatcher.run(Action("user.create", payload, _op_id(), SYSTEM))
        click.echo(_line(cast("Record", ack.data)))


@user.command()
@click.argument("email")
@_password_stdin
def password(email: str, password_stdin: bool) -> None:
    """Set an account's password and end its sessions."""
    settings = settings_of_process()
    run(_set_password(settings, email, _password(password_stdin)))


async def _set_password(settings: Settings, email: str, password: str) -> None:
    async with opened(settings) as node:
        user = await _user(node, email)
        check_password(password, email=user["email"], name=user["name"])
        password_hash = await node.passwords.hash(password)
        payload = {"user_id": user["id"], PASSWORD_HASH: password_hash}
        ack = await node.core.dispatcher.run_internal("user.set_password", payload)
        await node.core.consumers.settled(SESSIONS, ORG, ack.seq, SESSIONS_LIMIT)
        click.echo(f"{user['email']} has a new password, and has to sign in again everywhere.")


@user.command()
@click.argument("email")
@click.option("--add", "added", type=Role(), multiple=True, help="A role to give. May be repeated.")
@click.option("--remove", "removed", type=Role(), multiple=True, help="A role to take. May be repeated.")
def role(email: str, added: tuple[dict[str, str], ...], removed: tuple[dict[str, str], ...]) -> None:
    """Give an account roles, or take them away; without options show what it has."""
    run(_set_roles(settings_of_process(), email, added, removed))


async def _set_roles(
    settings: Settings, email: str, added: tuple[dict[str, str], ...], removed: tuple[dict[str, str], ...]
) -> None:
    async with opened(settings) as node:
        user = await _user(node, email)
        for assignment in removed:
            if assignment not in user["roles"]:
                raise Failure(f"{user['email']} has no role {assignment['role']}@{assignment['scope']}")
        kept = [assignment for assignment in user["roles"] if assignment not in removed]
        roles = [*kept, *(assignment for assignment in added if assignment not in kept)]
        if roles != user["roles"]:
            payload = {"user_id": user["id"], "roles": roles}
            action = Action("user.set_roles", payload, _op_id(), SYSTEM, user["seq"])
            user = cast("Record", (await node.core.dispatcher.run(action)).data)
        click.echo(_line(user))


async def _user(node: Node, email: str) -> Record:
    found = await node.storage.find(query("user", room=ORG, email=normal_email(email), limit=1))
    if not found:
        raise Failure(f"there is no account with the e-mail address {email}")
    return found[0]


def _password(from_stdin: bool) -> str:
    """The password from standard input, or asked for twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for the password: use --password-stdin.")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _op_id() -> str:
    return f"cli-{secrets.token_urlsafe(12)}"


def _line(user: Record) -> str:
    roles = ", ".join(f"{each['role']}@{each['scope']}" for each in user["roles"])
    return f"{user['id']}  {user['email']}  {user['name']}  {roles or 'no roles'}"
