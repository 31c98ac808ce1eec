"""Secrets in MongoDB, beside the journals and in no entry or record of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo.errors import DuplicateKeyError

from app.storage.mongo_documents import Document
from app.storage.mongo_limits import limited
from models.ports import RefreshToken

if TYPE_CHECKING:
    from app.storage.mongo import Collection, MongoStorage


class MongoCredentials:
    """The Credentials port in the database of an open MongoStorage: `passwords` and `refresh_tokens`.

    A change is on a majority of the servers, and in their journals, before it is acknowledged.
    """

    def __init__(self, storage: MongoStorage) -> None:
        self._storage = storage

    @property
    def timeout(self) -> float:
        """Seconds that one call may last."""
        return self._storage.timeout

    @limited
    async def password_hash(self, user_id: str) -> str | None:
        """See the port."""
        found = await self._passwords.find_one({"_id": {"$eq": user_id}})
        return None if found is None else str(found["password_hash"])

    @limited
    async def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """See the port."""
        await _put(self._passwords, {"_id": user_id, "password_hash": password_hash})

    @limited
    async def add_refresh_token(self, token: RefreshToken) -> None:
        """See the port."""
        await _put(self._tokens, _document(token))

    @limited
    async def refresh_token(self, session_id: str) -> RefreshToken | None:
        """See the port."""
        found = await self._tokens.find_one({"_id": {"$eq": session_id}})
        if found is None:
            return None
        return RefreshToken(found["_id"], found["user_id"], found["token_hash"], found["expires_at"])

    @limited
    async def rotate_refresh_token(self, old_hash: str, new: RefreshToken) -> bool:
        """See the port."""
        current = {"_id": {"$eq": new.session_id}, "token_hash": {"$eq": old_hash}}
        replaced = await self._tokens.replace_one(current, _document(new))
        return replaced.matched_count == 1

    @limited
    async def end_sessions(self, user_id: str, session_id: str | None = None) -> list[str]:
        """See the port."""
        of_user: Document = {"user_id": {"$eq": user_id}}
        if session_id is not None:
            of_user["_id"] = {"$eq": session_id}
        found = await self._tokens.find(of_user, {"_id": 1}).sort("_id", 1).to_list(None)
        ended = [document["_id"] for document in found]
        if ended:
            await self._tokens.delete_many({"_id": {"$in": ended}})
        return ended

    @property
    def _passwords(self) -> Collection:
        return self._storage.database["passwords"]

    @property
    def _tokens(self) -> Collection:
        return self._storage.database["refresh_tokens"]


def _document(token: RefreshToken) -> Document:
    return {
        "_id": token.session_id,
        "user_id": token.user_id,
        "token_hash": token.token_hash,
        "expires_at": token.expires_at,
    }


async def _put(collection: Collection, document: Document) -> None:
    """Insert the document, or replace the one with its `_id`; of two at once the later one stands."""
    key = {"_id": {"$eq": document["_id"]}}
    try:
        await collection.replace_one(key, document, upsert=True)
    except DuplicateKeyError:
        # Somebody else inserted it after it was looked for.
        await collection.replace_one(key, document)
