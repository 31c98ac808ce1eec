"""Who is connected to the namespace `/`: python-socketio's client manager without rooms of its own, so that a
disconnect costs the same however many clients there are.
"""

from __future__ import annotations

import secrets
from typing import Any

import socketio


class Clients(socketio.AsyncManager):
    """Knows the Socket.IO id of every Engine.IO connection and the other way round. One namespace."""

    def __init__(self) -> None:
        super().__init__()
        self._eio_sids: dict[str, str] = {}
        self._sids: dict[str, str] = {}
        self._connected: set[str] = set()

    def get_namespaces(self) -> list[str]:
        return ["/"]

    async def pre_connect(self, eio_sid: str, namespace: str) -> str | None:
        if eio_sid in self._sids:
            return None
        sid = secrets.token_urlsafe(15)
        self._eio_sids[sid] = eio_sid
        self._sids[eio_sid] = sid
        return sid

    async def connect(self, sid: str, namespace: str) -> str:
        if sid in self._eio_sids:
            self._connected.add(sid)
        return sid

    def is_connected(self, sid: str | None, namespace: str) -> bool:
        return sid in self._connected

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        return self._sids.get(eio_sid)

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        return self._eio_sids.get(sid)

    async def can_disconnect(self, sid: str, namespace: str) -> bool:
        return self.is_connected(sid, namespace)

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        self._connected.discard(sid)
        return self._eio_sids.get(sid)

    async def disconnect(self, sid: str, namespace: str, **options: Any) -> None:
        self._connected.discard(sid)
        eio_sid = self._eio_sids.pop(sid, None)
        if eio_sid is not None:
            self._sids.pop(eio_sid, None)
