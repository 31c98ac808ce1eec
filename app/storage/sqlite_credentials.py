"""Password and refresh token hashes in the embedded store's file."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from models.ports import RefreshToken

if TYPE_CHECKING:
    from app.storage.sqlite import SqliteStorage


class SqliteCredentials:
    """Credentials beside the journals of an open SqliteStorage, written by its writer."""

    def __init__(self, storage: SqliteStorage) -> None:
        self._storage = storage

    async def password_hash(self, user_id: str) -> str | None:
        """As Credentials.password_hash."""
        sql = "SELECT hash FROM passwords WHERE user_id = ?"
        row = await self._storage.look(lambda connection: connection.execute(sql, (user_id,)).fetchone())
        return None if row is None else str(row[0])

    async def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """As Credentials.set_password_hash."""
        sql = "INSERT INTO passwords VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash"
        await self._storage.write(
            lambda connection: connection.execute(sql, (user_id, password_hash)).close()
        )

    async def add_refresh_token(self, token: RefreshToken) -> None:
        """As Credentials.add_refresh_token."""
        values = (token.session_id, token.user_id, token.token_hash, token.expires_at)
        sql = "INSERT OR REPLACE INTO refresh_tokens VALUES (?, ?, ?, ?)"
        await self._storage.write(lambda connection: connection.execute(sql, values).close())

    async def refresh_token(self, session_id: str) -> RefreshToken | None:
        """As Credentials.refresh_token."""
        sql = "SELECT session_id, user_id, token_hash, expires_at FROM refresh_tokens WHERE session_id = ?"
        row = await self._storage.look(lambda connection: connection.execute(sql, (session_id,)).fetchone())
        return None if row is None else RefreshToken(*row)

    async def rotate_refresh_token(self, old_hash: str, new: RefreshToken) -> bool:
        """As Credentials.rotate_refresh_token."""
        sql = """UPDATE refresh_tokens SET user_id = ?, token_hash = ?, expires_at = ?
            WHERE session_id = ? AND token_hash = ?"""
        values = (new.user_id, new.token_hash, new.expires_at, new.session_id, old_hash)
        return await self._storage.write(lambda connection: connection.execute(sql, values).rowcount == 1)

    async def end_sessions(self, user_id: str, session_id: str | None = None) -> list[str]:
        """As Credentials.end_sessions."""
        sql, values = "DELETE FROM refresh_tokens WHERE user_id = ?", [user_id]
        if session_id is not None:
            sql, values = f"{sql} AND session_id = ?", [user_id, session_id]

        def end(connection: sqlite3.Connection) -> list[str]:
            return [row[0] for row in connection.execute(f"{sql} RETURNING session_id", values)]

        return await self._storage.write(end)
