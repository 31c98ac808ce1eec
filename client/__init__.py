"""The Python client: topics that stay current, and a queue of actions that loses nothing.

It is a program of its own that happens to live beside the server: neither imports the other. docs/clients.md
says how to use it; web/client is the same in TypeScript.
"""

from client.client import Client
from client.effects import Change, QueuedAction, Status, StoredAction, Why
from client.errors import Offline, QueueError, Refused, Stopped, StoreError, Withdrawn
from client.file_store import FileStore
from client.sign_in import Session, sign_in
from client.store import MemoryStore, Store
from client.topic import Topic
from client.wire import Position, Token

__all__ = [
    "Change",
    "Client",
    "FileStore",
    "MemoryStore",
    "Offline",
    "Position",
    "QueueError",
    "QueuedAction",
    "Refused",
    "Session",
    "Status",
    "Stopped",
    "Store",
    "StoreError",
    "StoredAction",
    "Token",
    "Topic",
    "Why",
    "Withdrawn",
    "sign_in",
]
