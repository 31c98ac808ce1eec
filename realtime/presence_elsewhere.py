"""What a node knows of the users of other nodes, in the topics that have connections here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from models.ports import Present

Users = Mapping[str, Present]


@dataclass(slots=True)
class _Topic:
    """`nodes`: each known node's users, once they were read; `missing`: nodes whose users were not.

    `quiet`: nobody has been told anything yet, so what is read is no news.
    """

    nodes: dict[str, dict[str, Present]] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    quiet: bool = True
    complete: asyncio.Event = field(default_factory=asyncio.Event)


class Elsewhere:
    """Users of other nodes, by topic and node.

    `here(topic, user_id)` says whether a user is there on this node. `changed(topic, user, there)` is called
    when somebody who is not here comes or goes.
    """

    def __init__(
        self, here: Callable[[str, str], bool], changed: Callable[[str, Present, bool], None]
    ) -> None:
        self._here = here
        self._changed = changed
        self._topics: dict[str, _Topic] = {}
        self._nodes: set[str] = set()
        self._unread: dict[tuple[str, str], None] = {}
        self._quiet: set[str] = set()

    @property
    def nodes(self) -> set[str]:
        """The nodes that are known."""
        return self._nodes

    def begin(self, topic: str) -> None:
        """The topic has connections here now."""
        self._topics[topic] = _Topic()
        self._quiet.add(topic)
        for node in self._nodes:
            self._want(topic, node)

    def end(self, topic: str) -> None:
        """It has none any more."""
        del self._topics[topic]
        self._quiet.discard(topic)

    def add(self, node: str) -> None:
        """There is another node."""
        self._nodes.add(node)
        for topic in self._topics:
            self._want(topic, node)

    def drop(self, node: str) -> None:
        """The node is no more, and neither are its users."""
        self._nodes.discard(node)
        for name, topic in self._topics.items():
            topic.missing.discard(node)
            for user in list(topic.nodes.get(node, {}).values()):
                self.apply(node, name, user.id, None)
            topic.nodes.pop(node, None)

    def read_anew(self) -> None:
        """Changes may have been missed."""
        for topic in self._topics:
            for node in self._nodes:
                self._want(topic, node)

    def unread(self, most: int) -> list[tuple[str, str]]:
        """Topics and nodes whose users are to be read, the first of them."""
        gone = [pair for pair in self._unread if pair[0] not in self._topics or pair[1] not in self._nodes]
        for pair in gone:
            del self._unread[pair]
        return list(islice(self._unread, most))

    def fill(self, topic: str, node: str, users: Users | None) -> None:
        """These are the node's users in the topic; None: they stay as they were."""
        self._unread.pop((topic, node), None)
        known = self._topics.get(topic)
        if known is None or node not in self._nodes:
            return
        known.missing.discard(node)
        if users is None:
            return
        if known.quiet:
            known.nodes[node] = dict(users)
            return
        before = known.nodes.setdefault(node, {})
        for user_id in [*before, *users]:
            self.apply(node, topic, user_id, users.get(user_id))

    def settle(self) -> None:
        """All that is known of nodes has been taken in: topics of which nothing is missing are complete."""
        self._end_quiet(name for name in list(self._quiet) if not self._topics[name].missing)

    def give_up(self) -> None:
        """Other nodes cannot be asked: nobody waits for what is missing."""
        self._end_quiet(list(self._quiet))

    def apply(self, node: str, topic: str, user_id: str, user: Present | None) -> None:
        """The user came to the topic on the node, or went (None)."""
        known = self._topics.get(topic)
        users = None if known is None else known.nodes.get(node)
        if users is None:
            return
        there = self._is_there(topic, user_id)
        before = users.pop(user_id, None)
        if user is not None:
            users[user_id] = user
        now = self._is_there(topic, user_id)
        changed = user or before
        if now != there and changed is not None:
            self._changed(topic, changed, now)

    def has(self, topic: str, user_id: str) -> bool:
        """Whether the user is in the topic on another node."""
        known = self._topics.get(topic)
        return known is not None and any(user_id in users for users in known.nodes.values())

    def knows(self, topic: str) -> bool:
        """Whether the topic has connections here."""
        return topic in self._topics

    async def complete(self, topic: str, limit: float) -> None:
        """Return when the users of all nodes were read, or after the limit."""
        known = self._topics[topic]
        try:
            async with asyncio.timeout(limit):
                await known.complete.wait()
        except TimeoutError:
            self._end_quiet({topic} & self._quiet)

    def users(self, topic: str) -> Iterator[Present]:
        """The users of all other nodes, as far as they were read; one who is on two nodes comes twice."""
        known = self._topics.get(topic)
        if known is not None:
            for users in known.nodes.values():
                yield from users.values()

    def _want(self, topic: str, node: str) -> None:
        self._topics[topic].missing.add(node)
        self._unread[topic, node] = None

    def _end_quiet(self, names: Iterable[str]) -> None:
        """Members are told of these topics as they are known: what is read from now on is news."""
        for name in names:
            self._topics[name].quiet = False
            self._topics[name].complete.set()
            self._quiet.discard(name)

    def _is_there(self, topic: str, user_id: str) -> bool:
        return self._here(topic, user_id) or self.has(topic, user_id)
