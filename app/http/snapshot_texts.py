"""Snapshots as they are sent: written and compressed once for everybody who asks at the same head."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from app.http.answer import compressed, json_response, takes
from handlers.snapshots import Snapshot

KEPT = 32
"""How many are kept; each may be a megabyte, and a tenth of that compressed."""


@dataclass(slots=True)
class SnapshotText:
    """One snapshot as JSON, and compressed once somebody wants that."""

    snapshot: Snapshot
    plain: bytes
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    zipped: bytes | None = None

    async def answer(self, request: web.Request, headers: dict[str, str]) -> web.Response:
        """The snapshot, as the client takes it."""
        if not takes(request, "gzip"):
            return json_response(self.plain, headers)
        async with self.turn:
            if self.zipped is None:
                self.zipped = await compressed(self.plain)
        return json_response(self.zipped, {**headers, "Content-Encoding": "gzip"})


class SnapshotTexts:
    """The texts of the newest snapshots, by topic and day."""

    def __init__(self) -> None:
        self._texts: OrderedDict[tuple[str, str | None], SnapshotText] = OrderedDict()

    def of(self, snapshot: Snapshot, day: str | None) -> SnapshotText:
        """The text of a topic's snapshot of the day."""
        key = (snapshot.topic, day)
        text = self._texts.get(key)
        if text is None or text.snapshot is not snapshot:
            wire = {
                "topic": snapshot.topic,
                "position": snapshot.position.to_wire(),
                "records": orjson.Fragment(snapshot.records_as_json(orjson.dumps)),
            }
            text = self._texts[key] = SnapshotText(snapshot, orjson.dumps(wire))
        self._texts.move_to_end(key)
        while len(self._texts) > KEPT:
            self._texts.popitem(last=False)
        return text
