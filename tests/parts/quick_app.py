"""`python -m app` with passwords that are cheap to verify: else each sign-in takes a third of a second."""

from __future__ import annotations

from functools import partial

import app.main
from app.cli import main
from app.passwords import BcryptPasswords

ROUNDS = 4
"""The least that bcrypt takes."""


def make_passwords_cheap() -> None:
    """From now on, in this process."""
    app.main.BcryptPasswords = partial(BcryptPasswords, ROUNDS)  # type: ignore[assignment, attr-defined]


if __name__ == "__main__":
    make_passwords_cheap()
    main()
