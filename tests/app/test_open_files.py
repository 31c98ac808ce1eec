import resource

import pytest

from app.open_files import WANTED, allow_open_files


class Limits:
    """The limits of a system that allows to set them up to `most`."""

    def __init__(self, soft: int, hard: int, most: int = 2**40) -> None:
        self.now = (soft, hard)
        self.most = most

    def get(self, which: int) -> tuple[int, int]:
        return self.now

    def set(self, which: int, limits: tuple[int, int]) -> None:
        if limits[0] > self.most:
            raise ValueError
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "then"),
    [
        (1024, 1_048_576, WANTED),
        (1024, 4096, 4096),
        (100_000, 1_048_576, 100_000),
        (256, resource.RLIM_INFINITY, WANTED),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY),
    ],
)
def test_the_limit_is_raised_as_far_as_allowed_and_wanted(
    soft: int, hard: int, then: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    assert allow_open_files() == then
    assert limits.now == (then, hard)


def test_a_system_that_refuses_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(256, resource.RLIM_INFINITY, most=10_240)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    assert allow_open_files() == 256
