"""Where queued actions are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from client.effects import StoredAction


class Store(Protocol):
    """Keeps the actions of one user.

    Calls take effect in the order in which they are made, without waiting for each other. A failure is a
    StoreError of the call that failed, and of no other.
    """

    async def load(self) -> Sequence[StoredAction]:
        """The actions from before, in the order in which they were put; called once."""
        ...

    async def put(self, action: StoredAction) -> None:
        """Keep an action, at the end or in the place of the one with the same op_id: durable on return."""
        ...

    async def remove(self, op_id: str) -> None:
        """Forget an action, if it is there."""
        ...


class MemoryStore:
    """Keeps actions as long as the program runs: where nothing is to be left behind."""

    def __init__(self) -> None:
        self._actions: dict[str, StoredAction] = {}

    async def load(self) -> Sequence[StoredAction]:
        """The actions from before."""
        return list(self._actions.values())

    async def put(self, action: StoredAction) -> None:
        """Keep an action."""
        self._actions[action.op_id] = action

    async def remove(self, op_id: str) -> None:
        """Forget an action."""
        self._actions.pop(op_id, None)
