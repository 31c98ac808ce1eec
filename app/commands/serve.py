"""`serve`: the server itself."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
import socket
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime

import click

from app import main
from app.commands.demo import load_demo
from app.commands.running import Failure, WrongSettings, opened, run, settings_of_process
from app.commands.workers import READY, WorkerFailed, Workers, check_port_is_free
from app.config import Settings
from app.demo.passwords import DEMO_PASSWORD, with_demo_password
from app.demo.plan import Size
from app.demo.teachers import Teachers
from app.key_file import signing_keys
from app.open_files import allow_open_files
from models.journal import ORG

MOST_WORKERS = 64

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

SHOWN_ACCOUNTS = (
    ("admin@demo.test", "everything"),
    ("head@s1.demo.test", "all of school s1"),
    ("office@s1.demo.test", "attendance in school s1, also of past days"),
    ("teacher1@s1.demo.test", "marks class s1-c1"),
    ("viewer@s1.demo.test", "watches school s1"),
    ("lead@t1.demo.test", "leads team t1"),
    ("member1@t1.demo.test", "member of team t1"),
)

TRY_NEXT = (
    "TOKEN=$(curl -s {url}/api/users/authenticate -H 'Content-Type: application/json'"
    ' -d \'{{"email": "teacher1@s1.demo.test", "password": "{password}"}}\''
    """ | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/') &&"""
    " curl -s {url}/api/actions -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json'"
    ' -d \'{{"type": "attendance.mark", "op_id": "try-{date}", "payload": {{"class_id": "s1-c1",'
    ' "date": "{date}", "period": "1", "student_id": "s1-c1-p1", "code": "P"}}}}\''
)
"""Signs in and marks a student, with nothing but curl and sed."""


@click.command()
@click.option(
    "--demo", is_flag=True, help="Load the demo first if there is nothing yet, and show its accounts."
)
@click.option(
    "--live",
    is_flag=True,
    help="Let simulated teachers take today's registers of the demo, so that boards move.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, MOST_WORKERS),
    default=1,
    show_default=True,
    help="Processes that share the port: WebSocket only, with MongoDB and Redis.",
)
@click.option("--worker", type=int, hidden=True, help="Be this one of them.")
def serve(demo: bool, live: bool, workers: int, worker: int | None) -> None:
    """Serve Socket.IO and HTTP until SIGTERM or Ctrl-C.

    What was accepted by then is still answered, and clients are sent away one after the other. Where it
    listens and keeps its data is set by environment variables: ROLLCALL_HOST, ROLLCALL_PORT,
    ROLLCALL_DATABASE_URL and others (docs/configuration.md).
    """
    settings = settings_of_process()
    logging.basicConfig(level=settings.log_level, format=LOG_FORMAT)
    allow_open_files()
    if worker is not None:
        run(_serve(replace(settings, node=f"{settings.node}-{worker}"), demo, live=False, shared_port=True))
        return
    if live and (workers > 1 or not demo):
        raise WrongSettings("--live goes with --demo, and with one process")
    if workers == 1:
        run(_serve(settings, demo, live=live, shared_port=False))
        return
    if settings.database_file is not None or not settings.redis_url:
        raise WrongSettings(
            "--workers needs a MongoDB (ROLLCALL_DATABASE_URL=mongodb://…) and a Redis"
            " (ROLLCALL_REDIS_URL=redis://…): the processes meet there"
        )
    run(_serve_by_workers(settings, demo, workers))


async def _serve_by_workers(settings: Settings, demo: bool, count: int) -> None:
    stop = asyncio.Event()
    async with opened(settings) as node:
        has_demo = await _prepare(node, demo)
    _stop_on_signals(stop)
    try:
        check_port_is_free(settings)
        banner = _banner(settings, has_demo, f"{count} processes, WebSocket only")
        await Workers(count).run(stop, lambda: click.echo(banner))
    except OSError as error:
        raise _cannot_listen(settings, error) from None
    except WorkerFailed as failed:
        raise Failure(str(failed)) from None


async def _serve(settings: Settings, demo: bool, *, live: bool, shared_port: bool) -> None:
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(opened(settings))
        has_demo = await _prepare(node, demo)
        if live:
            await stack.enter_async_context(Teachers(node.core, node.clock).at_work())
        stop = asyncio.Event()
        _stop_on_signals(stop)
        if shared_port:
            # The end of the standard input: whoever watches this process is gone.
            asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
        said = READY if shared_port else _banner(settings, has_demo)
        try:
            await main.serve(node, stop, lambda: click.echo(said), shared_port=shared_port)
        except OSError as error:
            raise _cannot_listen(settings, error) from None


async def _prepare(node: main.Node, demo: bool) -> bool:
    """Make ready for serving: the key, the demo if it is wanted; whether there is one to show. Failure."""
    settings = node.settings
    await asyncio.to_thread(signing_keys, settings)
    if demo and (await node.storage.heads([ORG]))[ORG] == 0:
        await load_demo(node, Size(), password=None, history=0, absences=True)
    await refuse_demo_passwords(node)
    return demo and await node.core.org.get("user", "u-admin") is not None


async def refuse_demo_passwords(node: main.Node) -> None:
    """Failure if more than this machine could sign in with the demo password, unless that is allowed."""
    settings = node.settings
    if settings.on_loopback or settings.allow_demo_passwords:
        return
    users = await with_demo_password(node.storage, node.credentials, node.passwords)
    if not users:
        return
    who = users[0]["email"]
    who += " still has" if len(users) == 1 else f" and {len(users) - 1} more still have"
    raise Failure(
        f"{who} the demo password, which everybody knows, and ROLLCALL_HOST is"
        f" {settings.host}: give all of them another one (python -m app demo --password NEW), listen on"
        " 127.0.0.1, or set ROLLCALL_ALLOW_DEMO_PASSWORDS=on"
    )


def _stop_on_signals(stop: asyncio.Event) -> None:
    """The first SIGTERM or SIGINT stops cleanly; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def begin() -> None:
        for each in signals:
            loop.remove_signal_handler(each)
        stop.set()
        # Whoever read this may be gone (`serve | head`): the server stops all the same.
        with suppress(OSError):
            click.echo("Stopping: answering what was accepted", err=True)

    for each in signals:
        loop.add_signal_handler(each, begin)


def _cannot_listen(settings: Settings, error: OSError) -> Exception:
    where = f"port {settings.port} of {settings.host}"
    if error.errno == errno.EADDRINUSE:
        return Failure(f"{where} is in use: stop the program that listens there, or set ROLLCALL_PORT")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Failure(f"{where} is not allowed for this user: set ROLLCALL_PORT to 1024 or above")
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return Failure(f"{settings.host} is no address of this machine: set ROLLCALL_HOST")
    return error


def url_of(settings: Settings) -> str:
    """Where a person on this machine finds the server."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not listened on
    host = everywhere.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)
    return f"http://{host}:{settings.port}"


def _banner(settings: Settings, has_demo: bool, node: str = "") -> str:
    file = settings.database_file
    lines = [
        f"Rollcall {main.package_version()}",
        f"  address   {url_of(settings)} (listening on {settings.host})",
        f"  API       {url_of(settings)}/api/docs",
        f"  node      {node or settings.node}",
        f"  storage   {file.absolute() if file is not None else 'MongoDB'}",
        f"  Redis     {'is used between nodes' if settings.redis_url else 'none'}",
    ]
    if has_demo:
        command = TRY_NEXT.format(url=url_of(settings), password=DEMO_PASSWORD, date=datetime.now(UTC).date())
        lines += ["", f"Demo accounts, with the password {DEMO_PASSWORD} unless it was changed:"]
        lines += [f"  {email:<23} {what}" for email, what in SHOWN_ACCOUNTS]
        lines += ["", "To try next, in another terminal: sign in and mark a student.", "", command, ""]
    return "\n".join(lines)
