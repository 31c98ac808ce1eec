"""Topics and journals: what can be subscribed to, what it holds now, and how it came about."""

from __future__ import annotations

from marshmallow import validate

from app.http.attendance import DayQuery
from app.http.call import Call, cached_as, etag_of
from app.http.query import LAST_SEQ, SIZE, PageQuery, WholeNumber, check_cursor, page
from app.http.route import Answer, list_of, named, route
from models.errors import Invalid
from models.schema import Id
from models.topic import parse_topic

TAG = "topics"


class TopicsQuery(PageQuery):
    """A part of the topics, or all."""

    limit = WholeNumber(load_default=None, validate=SIZE, metadata={"description": "How many items at most."})


class JournalQuery(PageQuery):
    """A part of a journal."""

    after = WholeNumber(
        load_default=None,
        validate=validate.Range(max=LAST_SEQ, error="must be at most {max}"),
        metadata={"description": "Entries behind this seq; by default from the first one."},
    )
    record = Id(load_default=None, metadata={"description": "Only entries of the record with this id."})


@route(
    "GET",
    "/api/topics",
    "Your topics",
    returns="Every topic that you may subscribe to, with its name; all at once unless there is a `limit`.",
    tag=TAG,
    query=TopicsQuery,
)
async def topics(call: Call) -> Answer:
    """All topics of the actor."""
    call.revalidate_body()
    found = await call.core.topics.of(call.actor)
    cursor = check_cursor(call.query["cursor"], int)
    first = 0 if cursor is None else int(cursor[0] or 0)
    last = len(found) if call.query["limit"] is None else first + int(call.query["limit"])
    return page(found[first:last], (last,) if last < len(found) else None)


@route(
    "GET",
    "/api/topics/{topic}",
    "A topic's snapshot",
    returns="The topic's records now and their position, to subscribe with as `since`.",
    access="who may subscribe to the topic",
    tag=TAG,
    query=DayQuery,
    shape={
        "type": "object",
        "properties": {
            "topic": {"type": "string"},
            "position": named("Position"),
            "records": {"type": "array", "items": named("Record")},
        },
        "required": ["topic", "position", "records"],
    },
)
async def snapshot(call: Call) -> Answer:
    """The snapshot of one topic."""
    topic = parse_topic(call.path["topic"])
    room = await call.core.access.topic(call.actor, topic)
    noun, _, school_id = room.partition(":")
    day = None
    if noun == "school":
        day = call.query["date"] or str(await call.core.snapshots.today(school_id))
    await call.revalidate([room], day or "")
    built = await call.core.snapshots.at_head(room, topic, day)
    text = call.door.snapshot_texts.of(built, day)
    headers = cached_as(etag_of(built.position.epoch, built.position.seq, day or ""))
    return await text.answer(call.request, headers)


@route(
    "GET",
    "/api/journal/{room}",
    "A room's journal",
    returns="Entries in the order of their seq: who changed which record when, and the record after it.",
    access="administrators, a school's administrators and office, a team's members, for `user:` the user; a "
    "teacher the history of a mark of the class",
    tag=TAG,
    query=JournalQuery,
    shape=list_of(named("Entry")),
)
async def journal(call: Call) -> Answer:
    """A part of one room's journal."""
    room = call.path["room"]
    record = call.query["record"]
    await call.core.access.journal(call.actor, room, record)
    limit = call.query["limit"]
    entries = await call.core.storage.read(room, after=_after(call), limit=limit + 1, record=record)
    shown = entries[:limit]
    return page([entry.to_wire() for entry in shown], (shown[-1].seq,) if len(entries) > len(shown) else None)


def _after(call: Call) -> int:
    cursor = check_cursor(call.query["cursor"], int)
    given: int | None = call.query["after"]
    if cursor is not None and given is not None:
        raise Invalid.field("after", "must not be given with a cursor, which says it already")
    return int(cursor[0] or 0) if cursor is not None else given or 0
