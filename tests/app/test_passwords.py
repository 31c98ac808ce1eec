"""Hashes of passwords by bcrypt."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import bcrypt
import pytest

from app.passwords import WAITING, BcryptPasswords
from models.errors import Unavailable
from models.journal import ORG
from tests.kit import CoreKit
from tests.waiting import until

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


async def test_no_more_wait_for_their_hash_than_the_bound_and_who_signs_in_waits_for_none_of_them(
    passwords: BcryptPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await passwords.hash("correct horse")
    go_on = threading.Event()
    hashpw = bcrypt.hashpw

    def held_up(password: bytes, salt: bytes) -> bytes:
        go_on.wait(20)
        return hashpw(password, salt)

    monkeypatch.setattr("bcrypt.hashpw", held_up)
    waiting = [asyncio.create_task(passwords.hash(f"password {i}")) for i in range(WAITING)]
    try:
        await until(lambda: passwords._waiting == WAITING)
        with pytest.raises(Unavailable) as caught:
            await passwords.hash("one more")
        assert caught.value.retry_after
        async with asyncio.timeout(10):
            assert await passwords.verify("correct horse", known)
    finally:
        go_on.set()
    hashes = await asyncio.gather(*waiting)
    assert await passwords.verify("password 0", hashes[0])
    assert await passwords.verify("one more", await passwords.hash("one more"))


async def test_an_account_is_not_made_while_too_many_wait(
    core: CoreKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await core.actor("admin", roles=[("admin", ORG)])
    eve = {"email": "eve@example.test", "name": "Eve", "password": "correct horse"}
    with monkeypatch.context() as busy:
        busy.setattr("app.passwords.WAITING", 0)
        refused = await core.refused(Unavailable, admin, "user.create", eve)
    assert refused.retry_after
    await core.act(admin, "user.create", eve)
