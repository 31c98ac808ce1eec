"""Chromium, without a window."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.parts.missing import missing
from tests.parts.process import Child

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

OPTIONS = (
    "--headless=new",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # Where tests run as root there is no other way; the pages are the tests' own.
    "--no-sandbox",
)

OpenPage = Callable[[str], Child]
"""Opens a page in a browser process of its own, with the profile of this test. It returns at once."""


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[OpenPage]:
    """Opens pages; all browsers are ended after the test. One at a time may use the profile."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing("Chromium", "install it (Debian: apt-get install chromium)")
    opened: list[Child] = []

    def open_one(url: str) -> Child:
        browser = Child([found, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", url])
        opened.append(browser)
        browser.spawn()
        return browser

    try:
        yield open_one
    finally:
        for browser in opened:
            browser.kill()
