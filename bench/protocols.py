"""What each server says and wants to hear, as the load generator is told it.

The generator knows no more of a protocol than how messages begin (bench/native/generator/main.c).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_hex

NUMBER = "#########"
"""Stands for the number of an update, which the generator writes there."""

UPDATE = 200
"""Bytes of the message that brings an update to a member, without the frame's own."""

RUN = f"b{token_hex(3)}-"
"""What stands before the number in an `op_id`: no other run has it."""

ACK_ID = f"1{NUMBER}"
"""A number of ten digits for every update: JSON's begin with no zero."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a client speaks with a server.

    `settings`: lines for the generator. `subscribe`: the message that makes a client a member of topics.
    `publish`: the one that causes an update in a topic. `joined`: updates that each publish brings.
    """

    settings: Mapping[str, str]
    subscribe: Callable[[str], str]
    publish: Callable[[str], str]
    joined: int = 1


def _filled(before: str, after: str) -> str:
    """The text that makes `UPDATE` bytes of what is before and after it."""
    return "." * (UPDATE - len(before) - len(after))


def _socketio_subscribe(topic: str) -> str:
    return f'420["subscribe",{{"topics":[{{"topic":"{topic}"}}]}}]'


def _socketio_settings(**more: str) -> dict[str, str]:
    return {
        "path": "/socket.io/?EIO=4&transport=websocket",
        "open": "0{",
        "hello": "40",
        "greeting": "40",
        "refusal": "44",
        "update": '42["update"',
        "ack": "43",
        "ping": "2",
        "pong": "3",
        "needle": f'"op_id":"{RUN}',
        **more,
    }


def socketio() -> Protocol:
    """A Socket.IO server that emits what an `action` holds to the topic in it."""

    def publish(topic: str) -> str:
        data = f'{{"topic":"{topic}","op_id":"{RUN}{NUMBER}","text":"'
        text = _filled(f'42["update",{data}', '"}]')
        return f'42{ACK_ID}["action",{data}{text}"}}]'

    return Protocol(_socketio_settings(), _socketio_subscribe, publish)


def rollcall(tasks: Mapping[str, str]) -> Protocol:
    """Rollcall: an update is a comment on a task of the team. `tasks`: the id of one for each topic."""

    def publish(topic: str) -> str:
        payload = f'{{"task_id":"{tasks[topic]}","text":"ok"}}'
        action = f'{{"type":"task.comment","op_id":"{RUN}{NUMBER}","payload":{payload}}}'
        return f'42{ACK_ID}["action",{action}]'

    settings = _socketio_settings(hello='40{"token":"$"}', greeting='42["ready"')
    return Protocol(settings, _socketio_subscribe, publish)


def rollcall_marks(date: str) -> Protocol:
    """Rollcall: an update is a mark of a student on this day. What is published to is the student, by id
    (`s1-c1-p1`). The sheet's tally and the school's summary, which come with a mark, are not counted.
    """

    def publish(student_id: str) -> str:
        class_id = student_id.rpartition("-")[0]
        payload = (
            f'{{"class_id":"{class_id}","date":"{date}","period":"1","student_id":"{student_id}","code":"P"}}'
        )
        action = f'{{"type":"attendance.mark","op_id":"{RUN}{NUMBER}","payload":{payload}}}'
        return f'42{ACK_ID}["action",{action}]'

    return Protocol({**rollcall({}).settings, "derived": "1"}, _socketio_subscribe, publish)


def centrifuge() -> Protocol:
    """Centrifugo's library with its JSON protocol, which may put several messages into one frame."""

    def publish(topic: str) -> str:
        data = f'{{"op_id":"{RUN}{NUMBER}","text":"'
        text = _filled(f'{{"push":{{"channel":"{topic}","pub":{{"data":{data}', '"}}}}')
        return f'{{"id":{ACK_ID},"publish":{{"channel":"{topic}","data":{data}{text}"}}}}}}'

    settings = {
        "path": "/connection/websocket",
        "hello": '{"id":1,"connect":{}}',
        "greeting": '{"id":1,"connect"',
        "update": '{"push":',
        "ack": '{"id":',
        "ping": "{}",
        "pong": "{}",
        "needle": f'"op_id":"{RUN}',
        "lines": "1",
    }
    return Protocol(settings, lambda topic: f'{{"id":2,"subscribe":{{"channel":"{topic}"}}}}', publish)


def limit(joined: int) -> Protocol:
    """The server that only sends: `joined` updates in one write. Its rooms have numbers."""

    def room(topic: str) -> str:
        return topic.lstrip("abcdefghijklmnopqrstuvwxyz:")

    settings = {"update": "u", "ack": "a", "needle": "u"}
    return Protocol(
        settings,
        lambda topic: f"join {room(topic)}",
        lambda topic: f"send {room(topic)} {joined} {NUMBER}",
        joined,
    )
