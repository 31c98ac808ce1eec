"""From an error to the answer that a door gives: the one mapping, shared by both doors."""

from __future__ import annotations

import logging
from typing import Any

from models.errors import Internal, RollcallError, Unavailable
from models.ports import StorageLost
from models.schema import ID

RETRY_AFTER = 1.0
"""Seconds after which a client may try again what was `unavailable`."""

log = logging.getLogger("rollcall.door")


def refusal(error: BaseException, op_id: object, request_id: str) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the body `{ok: false, op_id, error}` of an action that was not accepted.

    `op_id` is what the client sent; it comes back if it is one, and as null otherwise. For the error see
    `failure`.
    """
    status, body = failure(error, request_id)
    known = op_id if isinstance(op_id, str) and ID.match(op_id) else None
    return status, {"ok": False, "op_id": known, "error": body["error"]}


def failure(error: BaseException, request_id: str) -> tuple[int, dict[str, Any]]:
    """The HTTP status and the body `{ok: false, error}` of any request that failed.

    A lost storage is `unavailable`. What nobody foresaw is `internal`: it is logged with its traceback and
    the request id, and the message names only that id. The body can always be written as JSON.
    """
    known = _known(error, request_id)
    wire = known.to_wire()
    wire["message"] = _sendable(wire["message"])
    if "fields" in wire:
        wire["fields"] = {
            _sendable(path): [_sendable(text) for text in texts] for path, texts in wire["fields"].items()
        }
    return known.http_status, {"ok": False, "error": wire}


def _known(error: BaseException, request_id: str) -> RollcallError:
    if isinstance(error, StorageLost):
        log.warning("request %s: storage lost: %s", request_id, error)
        return Unavailable(retry_after=RETRY_AFTER)
    if isinstance(error, RollcallError) and not isinstance(error, Internal):
        return error
    log.error("request %s failed", request_id, exc_info=error)
    return Internal(f"Something went wrong on our side. When you report it, name the request {request_id}.")


def _sendable(text: str) -> str:
    """The text without lone surrogates, which a client may have put into a field's name."""
    return text.encode(errors="backslashreplace").decode()
