"""Hashes of passwords by bcrypt."""

from __future__ import annotations

from collections.abc import Iterator

import bcrypt
import pytest

from app.passwords import BcryptPasswords

ROUNDS = 5


@pytest.fixture
def passwords() -> Iterator[BcryptPasswords]:
    passwords = BcryptPasswords(ROUNDS)
    yield passwords
    passwords.close()


async def test_only_the_password_fits_its_hash(passwords: BcryptPasswords) -> None:
    password_hash = await passwords.hash("correct horse")
    assert await passwords.verify("correct horse", password_hash)
    for other in ("correct horses", "Correct horse", "", "nobody"):
        assert not await passwords.verify(other, password_hash)


async def test_more_than_bcrypt_takes_fits_nothing(passwords: BcryptPasswords) -> None:
    password_hash = await passwords.hash("x" * 72)
    assert await passwords.verify("x" * 72, password_hash)
    assert not await passwords.verify("x" * 73, password_hash)


async def test_nobody_is_compared_at_the_cost_of_everybody(
    passwords: BcryptPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []
    check = bcrypt.checkpw

    def seen(password: bytes, hashed: bytes) -> bool:
        compared.append(hashed)
        return check(password, hashed)

    monkeypatch.setattr("bcrypt.checkpw", seen)
    password_hash = await passwords.hash("correct horse")
    assert not await passwords.verify("correct horse", None)
    assert await passwords.verify("correct horse", password_hash)
    nobody, somebody = compared
    # Version and cost, then a salt and a digest as long as any: bcrypt does the same work.
    assert nobody.startswith(b"$2b$05$")
    assert (nobody[:7], len(nobody)) == (somebody[:7], len(somebody))
