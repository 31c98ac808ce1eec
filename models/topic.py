"""Names of topics: what a client subscribes to."""

from __future__ import annotations

from typing import NamedTuple

from models.errors import Invalid
from models.journal import ORG
from models.schema import ID

NOUNS = ("school", "class", "summary", "team", "user")


class Topic(NamedTuple):
    """A topic's noun and id: `class:s1-c1` is `("class", "s1-c1")`; `org` is `("org", "")`."""

    noun: str
    id: str

    @property
    def name(self) -> str:
        return f"{self.noun}:{self.id}" if self.id else self.noun


def parse_topic(name: object, path: str = "topic") -> Topic:
    """The topic with this name. Invalid, naming `path`, for what is no topic."""
    if name == ORG:
        return Topic(ORG, "")
    if isinstance(name, str):
        noun, _, id = name.partition(":")
        if noun in NOUNS and ID.match(id):
            return Topic(noun, id)
    raise Invalid.field(path, "must be org, school:ID, class:ID, summary:ID, team:ID or user:ID")
