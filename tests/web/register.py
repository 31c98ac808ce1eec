"""The register of one class, as its tests use it."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.web.page import LIMIT, Server, today, visit

STUDENTS = 30
TEACHER = "teacher1@s1.demo.test"
COLLEAGUE = "teacher2@s1.demo.test"
OFFICE = "office@s1.demo.test"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}

expect.set_options(timeout=LIMIT)


def about(student: int | None = None) -> dict[str, str]:
    """The payload about the sheet of these tests, or about a student on it."""
    sheet = {"class_id": "s1-c1", "date": today(), "period": "1"}
    return sheet if student is None else {**sheet, "student_id": f"s1-c1-p{student}"}


async def open_sheet(browser: Browser, server: Server, email: str = TEACHER, **options: Any) -> Page:
    page = await visit(browser, server, email, f"/sign-in?to=/register/s1-c1/{today()}/1", **options)
    await expect(rows(page)).to_have_count(STUDENTS)
    await live(page)
    return page


async def live(page: Page) -> None:
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    await expect(page.locator(".sheet .freshness")).to_have_count(0)


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Students").get_by_role("group")


def row(page: Page, n: int) -> Locator:
    return rows(page).nth(n)


def entry(page: Page, n: int) -> Locator:
    """A row with what it has to say about marks that met."""
    return page.locator("[data-student]").nth(n)


async def student_of(page: Page, n: int) -> int:
    found = await entry(page, n).get_attribute("data-student")
    assert found is not None
    return int(found.rpartition("p")[2])


async def is_set(page: Page, n: int, label: str) -> None:
    await expect(row(page, n).get_by_role("button", name=label, pressed=True)).to_be_visible()


async def is_fixed(page: Page, n: int, label: str) -> None:
    """The row shows a mark that the user cannot change."""
    await expect(row(page, n)).to_contain_text(label)
    await expect(row(page, n).get_by_role("button", disabled=False)).to_have_count(0)


async def marks(server: Server, **of: object) -> list[tuple[int, str]]:
    """Students and codes in the order in which the server has decided on them."""
    items = await server.get("admin@demo.test", "/api/journal/school:s1?limit=500")
    return [
        (int(item["data"]["student_id"].rpartition("p")[2]), item["data"]["code"])
        for item in items["items"]
        if item["type"] == "attendance.mark" and of.items() <= item["data"].items()
    ]


async def sheet(server: Server) -> dict[str, Any]:
    found = await server.get("admin@demo.test", f"/api/classes/s1-c1/registers/{today()}/1")
    assert isinstance(found, dict)
    return found


async def give_class_to_colleague(server: Server) -> None:
    roles = [{"role": "teacher", "scope": f"class:s1-c{n}"} for n in (1, 2)]
    await server.act("admin@demo.test", "user.set_roles", user_id="u-s1-teacher2", roles=roles)
