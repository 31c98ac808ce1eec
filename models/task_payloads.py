"""What clients may say about tasks."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from models.schema import LABELS, Id, Ids, Moment, Name, Payload, SetPayload, StrictString, Text
from models.task import ASSIGNEES, PRIORITIES, STATUSES


def _status(**kwargs: Any) -> StrictString:
    return StrictString(validate=validate.OneOf(STATUSES, error="must be one of: {choices}"), **kwargs)


def _priority(**kwargs: Any) -> StrictString:
    return StrictString(validate=validate.OneOf(PRIORITIES, error="must be one of: {choices}"), **kwargs)


def _labels(**kwargs: Any) -> fields.List[str]:
    limit = validate.Length(max=LABELS, error="must have at most {max} items")
    return fields.List(Name(), validate=limit, **kwargs)


class TaskCreatePayload(Payload):
    """A new task; what is left out is empty, the priority `normal`."""

    team_id = Id(required=True)
    title = Name(required=True)
    description = Text(load_default=None, allow_none=True)
    priority = _priority(load_default="normal")
    labels = _labels(load_default=list)
    assignees = Ids(ASSIGNEES, load_default=list)
    start = Moment(load_default=None, allow_none=True)
    due = Moment(load_default=None, allow_none=True)
    section = Name(load_default=None, allow_none=True)


class TaskChanges(SetPayload):
    """New values of some fields; the others stay."""

    title = Name()
    description = Text(allow_none=True)
    status = _status()
    priority = _priority()
    labels = _labels()
    assignees = Ids(ASSIGNEES)
    start = Moment(allow_none=True)
    due = Moment(allow_none=True)
    section = Name(allow_none=True)


class TaskUpdatePayload(Payload):
    """`base_seq`: the room's seq up to which the sender has seen the task."""

    task_id = Id(required=True)
    set = fields.Nested(TaskChanges, required=True)
    base_seq = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=0, error="must be 0 or more")
    )


class TaskPayload(Payload):
    """One task."""

    task_id = Id(required=True)


class TaskAssignPayload(TaskPayload):
    """All assignees that the task is to have."""

    assignees = Ids(ASSIGNEES, required=True)


class TaskCommentPayload(TaskPayload):
    """What to say about the task."""

    text = Text(required=True)

    @validates_schema
    def _not_blank(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data["text"].strip():
            raise ValidationError("must not be empty", "text")


class TaskMovePayload(TaskPayload):
    """`after`: the task to stand right behind, null for the first place; `section`: its own if left out."""

    section = Name(allow_none=True)
    after = Id(required=True, allow_none=True)
