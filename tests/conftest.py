"""What every test may use: the fixtures of tests/parts, and Hypothesis without a stopwatch."""

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.kit",
    "tests.parts.browser",
    "tests.parts.compiler",
    "tests.parts.disk",
    "tests.parts.mongodb",
    "tests.parts.node",
    "tests.parts.redis",
    "tests.parts.serve",
]

# How long one example takes says nothing on a machine that other processes share.
settings.register_profile("rollcall", deadline=None)
settings.load_profile("rollcall")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the documentation shows is written by the tests, but only where that is asked for."""
    parser.addoption("--pictures", action="store_true", help="write the pictures of docs/pictures anew")
