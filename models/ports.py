"""The ports: what the core asks of the world. A port's docstrings are its specification; tests/contract
checks every adapter.

Adapters carry their kind in the name: storage/sqlite.py, storage/mongo.py, realtime/fanout_memory.py, …
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.actor import Actor
from models.journal import Commit, Entry, Heard, Op, Record
from models.query import Query, Scalar
from models.record import RecordKey


class StorageLost(Exception):
    """The storage could not be reached, or did not answer in time. A read had no effect; of an append the
    outcome is unknown.
    """


class StorageRefused(Exception):
    """The storage cannot be opened as configured; the message says in one line what is wrong and what to
    do.
    """


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a committer needs before it decides a batch; see `Storage.load`."""

    head: int
    answers: Mapping[Op, Sequence[Entry]]
    records: Mapping[RecordKey, Record | None]


@dataclass(frozen=True, slots=True)
class Lag:
    """A room in which a consumer has not read everything: it has read up to `cursor`, the journal is at
    `head`.
    """

    room: str
    cursor: int
    head: int


class Storage(Protocol):
    """Journals and records. Every method may raise StorageLost; each has its own limit on waiting.

    An acknowledged append survives the death of any process and of the machine. All reads see every commit
    that was acknowledged before they began, on whatever node. Returned records and entries belong to the
    caller's reading only: they must not be changed.
    """

    @property
    def epoch(self) -> str:
        """The life of the journals; a restore from backup starts a new one. Known after `open`."""
        ...

    async def open(self) -> None:
        """Connect, create what is missing (tables, indexes), finish what an earlier process left unprojected.

        Raises StorageRefused with one clear line.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, then let go of everything. May be called twice."""
        ...

    async def ping(self) -> None:
        """Return if the storage can be read and written now."""
        ...

    # -- journal

    async def ready(self) -> None:
        """Return when a commit that is decided now is written next; at once where nothing is being written.

        Whoever waits for this before deciding decides about all that has come in meanwhile: under load that
        makes few large commits, written together. StorageLost where it takes too long.
        """
        ...

    async def append(self, commit: Commit) -> None:
        """Write the whole commit durably, and its records, or nothing.

        HeadMoved unless the room's head is `commit.first - 1`. DuplicateOp if one of its ops is in the
        room's journal already (the head is checked first). CommitTooLarge.
        StorageLost: the outcome is unknown; it shows in
        the journal later.
        """
        ...

    async def load(self, room: str, ops: Sequence[Op], keys: Sequence[RecordKey]) -> Loaded:
        """One look for a batch: the room's head (0: no entry yet); for each known op the entries that carry
        it, in order; for each key the record, or None where there is none. Deleted records come as their
        tombstones. The records are at least as new as the head.
        """
        ...

    async def heads(self, rooms: Sequence[str]) -> dict[str, int]:
        """The head of each of the rooms, 0 where nothing was written yet."""
        ...

    async def read(
        self,
        room: str,
        *,
        after: int,
        limit: int,
        up_to: int | None = None,
        topic: str | None = None,
        record: str | None = None,
    ) -> list[Entry]:
        """Entries with `after < seq <= up_to`, ascending, at most `limit`; only those of a topic, or of
        records with this id, if given.
        """
        ...

    async def start(self, room: str) -> int:
        """The seq before the first entry that the journal still holds: 0 unless it was shortened."""
        ...

    # -- records

    async def get(self, room: str, kind: str, id: str) -> Record | None:
        """One record, or None where there is none or it is deleted."""
        ...

    async def locate(self, kind: str, id: str) -> tuple[str, Record] | None:
        """The room and the record with this id, in whatever room; None where there is none or it is deleted.

        Should two rooms hold the same id, always the same one is found.
        """
        ...

    async def find(self, query: Query) -> list[Record]:
        """The records that the query asks for, in its order. Uses an index for every query that the code
        makes.
        """
        ...

    async def count(self, query: Query, by: str) -> dict[Scalar, int]:
        """How many records the query matches for each value of the field (order, page and limit do not
        matter).
        """
        ...

    # -- consumers

    async def cursor(self, consumer: str, room: str) -> int:
        """The seq up to which the consumer has read the room; 0 at first."""
        ...

    async def set_cursor(self, consumer: str, room: str, seq: int) -> None:
        """Remember durably how far the consumer has read; never moves backwards."""
        ...

    async def lagging(self, consumer: str, rooms: str) -> list[Lag]:
        """The rooms of a noun (`team`: all `team:…`; `org`: that one) whose head is above the consumer's
        cursor.
        """
        ...


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The current refresh token of a session: only its hash is kept. `expires_at`: seconds since 1970."""

    session_id: str
    user_id: str
    token_hash: str
    expires_at: int


class Credentials(Protocol):
    """Secrets: password hashes and refresh token hashes. Never in a journal, a log or a reply. Same
    durability as Storage; StorageLost.
    """

    async def password_hash(self, user_id: str) -> str | None:
        """The bcrypt hash, or None where the user has no password."""
        ...

    async def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """Set or replace the user's password hash."""
        ...

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """Begin a session's chain of refresh tokens."""
        ...

    async def refresh_token(self, session_id: str) -> RefreshToken | None:
        """The current token of the session, or None once it has ended."""
        ...

    async def rotate_refresh_token(self, old_hash: str, new: RefreshToken) -> bool:
        """Replace the session's token if it is still the one with `old_hash`; False (and nothing changed)
        otherwise. Atomic.
        """
        ...

    async def end_sessions(self, user_id: str, session_id: str | None = None) -> list[str]:
        """Forget the refresh tokens of one session, or of all sessions of the user; returns the ids that
        were ended.
        """
        ...


class Fanout(Protocol):
    """Carries commits to the other nodes that follow their room. An accelerator: it may lose, repeat and
    reorder; the followers repair.

    Nothing here raises or waits for the network in the caller's place.
    """

    async def open(self, receive: Callable[[Commit | Heard], None], missed: Callable[[str], None]) -> None:
        """Start, whether others can be reached or not. Both are called on the loop.

        `receive`: another node has published a commit of a joined room. `missed`: what was published in this
        joined room until now may not have come; called once it is heard, where that is not at once with
        `join`, and for all joined rooms after each time that the node was deaf.
        """
        ...

    async def close(self) -> None:
        """Stop. May be called twice."""
        ...

    def publish(self, commit: Commit) -> None:
        """Offer a commit to the other nodes; what cannot be carried is dropped."""
        ...

    def join(self, room: str) -> None:
        """Receive the room's commits from now on, or from when `missed` is called."""
        ...

    def leave(self, room: str) -> None:
        """Receive them no longer."""
        ...

    @property
    def healthy(self) -> bool:
        """Whether what others publish is proven to arrive; followers look into the journals more often while
        it is not.
        """
        ...


class Turns(Protocol):
    """Whose turn it is at a room that several nodes write to at once. A hint that spares lost races, never
    needed for correctness: a turn may be had by two, and a dead node's is soon over.
    """

    def lost(self, room: str) -> None:
        """Another node was first here: for a while, a turn is taken before each try. Returns at once."""
        ...

    async def take(self, room: str) -> bool:
        """Return when this node may try: at once where it writes alone, else when it is its turn, or after a
        short while whatever happens. False if another node has probably written since the last try. Raises
        nothing.
        """
        ...

    def give(self, room: str) -> None:
        """The try is over. Returns at once."""
        ...

    async def close(self) -> None:
        """Let go of whatever nodes meet by. May be called twice."""
        ...


class Clock(Protocol):
    """Time. Tests set it."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...


class Ids(Protocol):
    """Randomness. Tests set it."""

    def new(self, prefix: str) -> str:
        """A new id that nobody can guess: the prefix, a `-` and at least 80 random bits, of `A-Z a-z 0-9 _
        -`.
        """
        ...


class Passwords(Protocol):
    """Hashes passwords. Slow on purpose, and never on the loop."""

    async def hash(self, password: str) -> str:
        """A salted hash to keep."""
        ...

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password fits; takes as long where there is no hash."""
        ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a token stands for, as they are now, and until when (seconds since 1970)."""

    actor: Actor
    expires_at: int


class Tokens(Protocol):
    """Access tokens as the doors need them."""

    def user_of(self, token: object) -> str:
        """The id of the user whom the token names. Unauthenticated for no, a bad or an expired token."""
        ...

    async def verify(self, token: object, *, anew: bool = False) -> SignedIn:
        """Unauthenticated for no, a bad or an expired token, a session that has ended, and a user who is
        disabled or gone. StorageLost.

        That another node has ended the session may be noticed some seconds late, unless it is asked `anew`.
        """
        ...


class Limiter(Protocol):
    """Rate limits by name of the budget and by who spends it."""

    def spend(self, budget: str, who: str) -> None:
        """Take one from the budget. RateLimited with `retry_after` if nothing is left."""
        ...

    def check(self, budget: str, who: str) -> None:
        """Take nothing; return if something is left. RateLimited with `retry_after` otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Present:
    """A user who is there, and since when (RFC 3339)."""

    id: str
    name: str
    since: str

    def to_wire(self) -> dict[str, str]:
        return {"id": self.id, "name": self.name, "since": self.since}


class Presence(Protocol):
    """Who is in a topic, on all nodes. A user with several connections is there once, since the first one
    came, until the last one is gone. Users of a node that dies are gone within 15 s.

    Nothing here raises or waits for the network in the caller's place. While other nodes cannot be reached,
    only the users of this one are there.
    """

    async def open(self, changed: Callable[[str, Present, bool], None]) -> None:
        """Start, whether others can be reached or not.

        `changed(topic, user, there)` is called on the loop when a user comes (`there`) or goes, in topics
        that have connections on this node. Users whom others had let in before the first connection came
        here are not mentioned.
        """
        ...

    async def close(self) -> None:
        """Stop. May be called twice."""
        ...

    def enter(self, topic: str, connection: str, user: Present) -> None:
        """A connection of the user subscribed, on this node."""
        ...

    def leave(self, topic: str, connection: str, user_id: str) -> None:
        """A connection of the user is gone; without effect where it had not subscribed."""
        ...

    async def users(self, topic: str) -> list[Present]:
        """Everybody who is there, who came first first; after a limited wait those who are known of."""
        ...

    def count(self, topic: str) -> int:
        """How many are there, in a topic that has connections on this node."""
        ...
