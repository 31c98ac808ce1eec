"""The keys of access tokens: those that are set, or one that is made once and kept beside the database."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from environs import ValidationError

from app.config import HOW_TO_MAKE_ONE, SettingError, Settings, key_of

SUFFIX = ".key"
SECRET_BYTES = 32


def key_file_of(settings: Settings) -> Path | None:
    """Where a key that nobody has set is kept; None where one must be set.

    That is where more than this machine can connect, or where other nodes may share the database.
    """
    file = settings.database_file
    return file.with_name(file.name + SUFFIX) if file is not None and settings.on_loopback else None


def signing_keys(settings: Settings) -> dict[str, str]:
    """Key id → secret, at least one; the first signs. May make a small file, so it blocks.

    SettingError where a key must be set and is not, and where the kept one cannot be used.
    """
    if settings.keys:
        return {key.kid: key.secret for key in settings.keys}
    path = key_file_of(settings)
    if path is None:
        raise SettingError(
            "ROLLCALL_SECRET must be set, unless only this machine can connect (ROLLCALL_HOST) and the"
            f" database is a file; make one with: {HOW_TO_MAKE_ONE}"
        )
    try:
        if not path.exists():
            _make(path)
        key = key_of(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise SettingError(f"the key file {path} cannot be used: {error.strerror}") from None
    except (ValidationError, UnicodeDecodeError):
        raise SettingError(
            f"the key file {path} holds no key; delete it (everybody has to sign in again) or restore it"
        ) from None
    return {key.kid: key.secret}


def _make(path: Path) -> None:
    """Write a new key whole, readable for its owner only. Of several processes at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # made with mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
