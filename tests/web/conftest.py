"""The pages in a real browser: a server with a demo and the built pages, and Chromium by Playwright."""

from __future__ import annotations

import inspect
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from app.http.pages import FOLDER
from tests.parts.browser import NAMES, OPTIONS
from tests.parts.missing import missing
from tests.parts.serve import Rollcall, Serve, make_demo
from tests.web import other_times
from tests.web.page import Server

Demo = Callable[..., Path]
"""Makes a database with a demo of so many `schools`, `classes`, `students`, days of `history`; once each."""

Start = Callable[..., Awaitable[Server]]
"""Starts a server of this test's own with a demo, which is named as for `Demo`. `access`, `refresh`: the
seconds that its tokens are good for, if not as many as always.
"""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Makes databases, to be copied."""
    made: dict[tuple[tuple[str, int], ...], Path] = {}

    def make(**size: int) -> Path:
        key = tuple(sorted(size.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("demo") / "rollcall.db"
            options = [text for name, value in key for text in (f"--{name}", str(value))]
            make_demo(made[key], "--teams", "1", *options)
        return made[key]

    return make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests here share a browser, so they share the loop that talks to it."""
    for item in items:
        is_here = Path(__file__).parent in item.path.parents
        if is_here and isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session")
async def start(demo: Demo, serve: Serve, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers. Killed and started again they have the same data, port and clock."""
    if not (FOLDER / "index.html").is_file():
        missing("The pages", "run scripts/build-web, which builds them")
    started: list[Rollcall] = []

    async def start_one(access: float | None = None, refresh: float | None = None, **size: int) -> Server:
        shutil.copy(demo(**size), tmp_path / "rollcall.db")
        ahead = tmp_path / "ahead"
        lifetimes = {other_times.ACCESS: access, other_times.REFRESH: refresh}
        settings = {
            "ROLLCALL_SECRET": "s" * 40,
            "ROLLCALL_LIMIT_SIGNIN": "off",
            other_times.AHEAD: str(ahead),
            **{name: str(seconds) for name, seconds in lifetimes.items() if seconds is not None},
        }
        process = serve(settings, module=other_times.__name__)
        started.append(process)
        await process.wait_ready()
        return Server(process, ahead)

    yield start_one
    for process in started:
        sys.stdout.write(process.output)  # shown where the test fails


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Chromium, without a window; a start costs as much as a test."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing("Chromium", "install it (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=list(OPTIONS))
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """The browser, with nothing left of the test before."""
    try:
        yield chromium
    finally:
        for context in chromium.contexts:
            await context.close()
