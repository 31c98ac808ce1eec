"""`TORTURE_BREAK=… python -m tests.torture.broken serve`: the server with one fault in its code, to show that
the checks would find it. Nothing of this is in the server itself.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable
from typing import Any

import orjson

from app.cli import main
from app.storage import mongo_journal
from app.storage.mongo_documents import News, commit_document
from app.storage.mongo_journal import Journal
from app.storage.mongo_writer import Writer
from handlers.dispatch.batch import Prepared
from handlers.dispatch.committer import Committer
from models.action import Ack
from models.journal import Commit, Entry
from realtime.push import Members, Push

VARIABLE = "TORTURE_BREAK"

EVERY = 20
"""One entry or action in so many goes wrong."""

EVERY_COMMIT = 5
"""One commit in so many goes wrong: a run of seconds has few of them."""

HIDDEN, OPENLY = True, False


def drop_an_update(hidden: bool) -> Callable[[], None]:
    """An entry is not pushed; the next update's `prev` shows it, or not."""

    def apply() -> None:
        update = Push._update

        def broken(self: Push, topic: str, members: Members, entry: Entry, data: orjson.Fragment) -> None:
            if entry.seq % EVERY:
                update(self, topic, members, entry, data)
            elif not hidden:
                members.last = entry.seq

        Push._update = broken  # type: ignore[method-assign]

    return apply


def push_twice() -> None:
    """An update is pushed again at once."""
    update = Push._update

    def broken(self: Push, topic: str, members: Members, entry: Entry, data: orjson.Fragment) -> None:
        update(self, topic, members, entry, data)
        if entry.seq % EVERY == 0:
            self._to_all(members, members.packets[-1])

    Push._update = broken  # type: ignore[method-assign]


def swap_updates() -> None:
    """What goes out in one write goes out backwards."""
    send_out = Push._send_out

    def broken(self: Push, members: Members) -> None:
        members.packets.reverse()
        send_out(self, members)

    Push._send_out = broken  # type: ignore[method-assign]


def show_wrongly() -> None:
    """An update shows another record than was written."""
    update = Push._update

    def broken(self: Push, topic: str, members: Members, entry: Entry, data: orjson.Fragment) -> None:
        if entry.seq % EVERY == 0:
            data = orjson.Fragment(orjson.dumps({**entry.data, "note": "wrong"}))
        update(self, topic, members, entry, data)

    Push._update = broken  # type: ignore[method-assign]


def accept_duplicates() -> None:
    """No op_id is known again."""

    def broken(commit: Commit) -> dict[str, Any]:
        document = commit_document(commit)
        return {**document, "ops": [f"{op}/{secrets.token_hex(4)}" for op in document["ops"]]}

    vars(mongo_journal)["commit_document"] = broken


def acknowledge_without_writing() -> None:
    """A commit is acknowledged, and is not there."""
    append = Journal.append
    numbers = itertools.count(1)

    async def broken(self: Journal, commit: Commit) -> None:
        if next(numbers) % EVERY_COMMIT:
            await append(self, commit)

    Journal.append = broken  # type: ignore[method-assign]


def acknowledge_wrongly() -> None:
    """An answer names another entry."""
    to_wire = Ack.to_wire

    def broken(self: Ack) -> dict[str, Any]:
        wire = to_wire(self)
        return {**wire, "seq": wire["seq"] + (wire["seq"] % EVERY == 0)}

    Ack.to_wire = broken  # type: ignore[method-assign]


def decide_backwards() -> None:
    """What came last is decided first."""
    submit = Committer.submit

    def broken(self: Committer, prepared: Prepared) -> Any:
        answer = submit(self, prepared)
        self._queue.rotate(1)
        return answer

    Committer.submit = broken  # type: ignore[method-assign]


def write_no_record() -> None:
    """A commit counts as projected, though its records are not written."""
    insert = Writer.insert
    numbers = itertools.count(1)

    async def broken(self: Writer, document: dict[str, Any], news: News) -> None:
        await insert(self, document, news if next(numbers) % EVERY_COMMIT else {})

    Writer.insert = broken  # type: ignore[method-assign]


def make_a_mistake() -> None:
    """An action ends in an error of the program."""
    submit = Committer.submit
    numbers = itertools.count(1)

    def broken(self: Committer, prepared: Prepared) -> Any:
        if self.room != "org" and next(numbers) % EVERY == 0:
            raise RuntimeError("broken")
        return submit(self, prepared)

    Committer.submit = broken  # type: ignore[method-assign]


BREAKS: dict[str, Callable[[], None]] = {
    "drop an update": drop_an_update(HIDDEN),
    "drop an update openly": drop_an_update(OPENLY),
    "push twice": push_twice,
    "swap updates": swap_updates,
    "show wrongly": show_wrongly,
    "accept duplicates": accept_duplicates,
    "acknowledge without writing": acknowledge_without_writing,
    "acknowledge wrongly": acknowledge_wrongly,
    "decide backwards": decide_backwards,
    "write no record": write_no_record,
    "make a mistake": make_a_mistake,
}

if __name__ == "__main__":
    BREAKS[os.environ[VARIABLE]]()
    main()
