"""What happens to a test whose part is not on this machine."""

import os
from typing import NoReturn

import pytest


def missing(part: str, remedy: str) -> NoReturn:
    """Skips the test that asked for ``part``, saying what to do; with ``CI=true`` it fails instead."""
    reason = f"{part} is not there: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
