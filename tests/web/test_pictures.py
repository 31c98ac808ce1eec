"""The pictures in the documentation. `--pictures` writes them anew; without it the same views are taken into
the test's own folder, and looked at whether they show something.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, expect

from tests.pages import PAGES, README, ROOT
from tests.web.conftest import Start
from tests.web.day_in_full import SHOWN, fill, now
from tests.web.page import Server, today, visit

FOLDER = ROOT / "docs" / "pictures"

ADMIN = "admin@demo.test"
TEACHER = "teacher3@s1.demo.test"
OFFICE = "office@s1.demo.test"
MEMBER = "member1@t1.demo.test"

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
DESK: dict[str, Any] = {"viewport": {"width": 1024, "height": 700}}

SMALL = {"schools": 3, "classes": 3, "students": 8}
FULL = {"schools": 14, "classes": 8, "students": 18}
"""The demo as far as tests need it, and as it is shown."""

LARGEST = 120_000
"""Bytes of a picture in the repository."""

FEWEST = 40
"""Colours of a page that shows something; letters alone have some, for their edges are smooth."""

COLOURS = """async (data) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  return new Set(new Uint32Array(context.getImageData(0, 0, picture.width, picture.height).data.buffer)).size;
}"""


IN_ORDER = """() => {
  const missing = [...document.querySelectorAll(".rows .missing")].map((cell) => Number(cell.textContent));
  return missing.every((count, n) => n === 0 || count <= missing[n - 1]);
}"""


class View(NamedTuple):
    """Whose page is shown how, and what must be there before."""

    email: str
    path: str
    ready: Callable[[Page], Awaitable[None]]
    options: dict[str, Any]
    language: str = "en"


async def register(page: Page) -> None:
    await expect(page.locator("[data-student]").first).to_be_visible()


async def school(page: Page) -> None:
    await expect(page.locator(".tile").first).to_be_visible()
    await expect(page.locator(".absences tbody tr").first).to_be_visible()


async def district(page: Page) -> None:
    await expect(page.locator(".rows > .row").first).to_be_visible()
    await expect(page.locator(".totals")).not_to_contain_text("…")
    # Rows change places a little later than figures.
    await page.wait_for_function(IN_ORDER)


async def tasks(page: Page) -> None:
    await expect(page.locator("[data-task]").first).to_be_visible()


async def audit(page: Page) -> None:
    await expect(page.locator("main tbody tr").first).to_be_visible()


def sheet() -> str:
    return f"/register/{SHOWN}/{today()}/2"


VIEWS = {
    "register.png": lambda: View(TEACHER, sheet(), register, PHONE),
    "register-arabic.png": lambda: View(TEACHER, sheet(), register, PHONE, "ar"),
    "school.png": lambda: View(OFFICE, "/schools/s1", school, DESK),
    "district-dark.png": lambda: View(ADMIN, "/district", district, {**DESK, "color_scheme": "dark"}),
    "team.png": lambda: View(MEMBER, "/teams/t1", tasks, DESK),
    "admin.png": lambda: View(ADMIN, "/admin?view=audit&room=school:s1", audit, DESK),
}
"""By the names of their files."""


async def picture(browser: Browser, server: Server, view: View) -> bytes:
    page = await visit(
        browser, server, view.email, f"/sign-in?to={quote(view.path)}", at=now(), **view.options
    )
    await view.ready(page)
    if view.language != "en":
        await page.evaluate("(code) => localStorage.setItem('rollcall.language', code)", view.language)
        await page.reload()
        await view.ready(page)
    await expect(page.locator("header.frame .freshness.live")).to_be_visible()
    await page.wait_for_load_state("networkidle")
    await page.mouse.move(0, 0)
    return await page.screenshot(animations="disabled", caret="hide")


async def colours(browser: Browser, png: bytes) -> int:
    page = await browser.new_page()
    return int(await page.evaluate(COLOURS, base64.b64encode(png).decode()))


async def test_every_picture_shows_its_page(
    browser: Browser, start: Start, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    wanted = bool(pytestconfig.getoption("pictures"))
    size = FULL if wanted else SMALL
    folder = FOLDER if wanted else tmp_path
    server = await start(**size)
    await fill(server, size["schools"], size["classes"], size["students"])
    found = {}
    for name, view in VIEWS.items():
        png = await picture(browser, server, view())
        (folder / name).write_bytes(png)
        found[name] = await colours(browser, png)
    assert {name: count for name, count in found.items() if count < FEWEST} == {}


def named(page: Path) -> set[str]:
    """The pictures that a page shows."""
    return set(re.findall(r"pictures/([\w-]+\.png)", page.read_text()))


def test_the_documentation_shows_every_picture_and_no_other() -> None:
    shown = set().union(*(named(page) for page in PAGES))
    assert shown == set(VIEWS) == {path.name for path in FOLDER.iterdir()}
    assert named(README) <= shown


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
