"""The monitor of a district, in a real browser: many schools that move at once, sorted and filtered."""

from __future__ import annotations

import re

from playwright.async_api import Browser, Locator, Page, WebSocket, expect

from tests.web.conftest import Start
from tests.web.page import Server, barriers, today, visit

SCHOOLS = 60
SIZE = {"schools": SCHOOLS, "classes": 2, "students": 2}
ADMIN = "admin@demo.test"
LIMIT = 20_000.0


async def monitor(browser: Browser, server: Server, **options: object) -> Page:
    """The monitor at 09:10, in the first of the day's lessons, once every row is known."""
    page = await visit(browser, server, ADMIN, "/district", at=f"{today()}T09:10:00Z", **options)
    await expect(rows(page)).to_have_count(SCHOOLS, timeout=LIMIT)
    await expect(page.locator("main").get_by_role("status")).to_have_text(re.compile("Live"), timeout=LIMIT)
    await expect(page.get_by_text(f"{SCHOOLS} schools, {2 * SCHOOLS} registers missing")).to_be_visible(
        timeout=LIMIT
    )
    return page


def rows(page: Page) -> Locator:
    return page.locator(".rows > .row")


def cells(page: Page, school: str) -> Locator:
    return page.locator(f"[data-school={school}]").get_by_role("cell")


async def mark(server: Server, school: str, code: str) -> None:
    await server.act(
        ADMIN,
        "attendance.mark",
        class_id=f"{school}-c1",
        date=today(),
        period="1",
        student_id=f"{school}-c1-p1",
        code=code,
    )


async def take(server: Server, school: str, *classes: int) -> None:
    for n in classes:
        await server.act(ADMIN, "attendance.take", class_id=f"{school}-c{n}", date=today(), period="1")


async def test_all_schools_are_subscribed_to_in_one_request(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    sent: list[str] = []

    def follow(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(str(frame)))

    page = await visit(browser, server, ADMIN, "/sign-in?to=/profile", at=f"{today()}T09:10:00Z")
    live = page.get_by_role("banner").get_by_text("Live")
    await expect(live).to_be_visible(timeout=LIMIT)
    page.on("websocket", follow)
    await page.reload()
    await expect(live).to_be_visible(timeout=LIMIT)
    sent.clear()
    await page.get_by_role("link", name="All schools").click()
    await expect(page.get_by_text(f"{SCHOOLS} schools, {2 * SCHOOLS} registers missing")).to_be_visible(
        timeout=LIMIT
    )
    (asked,) = [frame for frame in sent if '["subscribe"' in frame]
    assert asked.count('"topic":"summary:') == SCHOOLS


async def test_rows_move_and_change_places_without_any_further_request(
    browser: Browser, start: Start
) -> None:
    server = await start(**SIZE)
    page = await monitor(browser, server)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.get_by_role("button", name="Attendance").click()
    await page.mouse.move(0, 0)

    # Nobody has been marked: the order is that of the names. Both get a rate, and come first.
    await mark(server, "s40", "P")
    await mark(server, "s20", "A")
    await expect(cells(page, "s40")).to_have_text(["100%", "2", "0", "1", "0"])
    await expect(cells(page, "s20")).to_have_text(["0%", "2", "1", "1", "0"])
    await expect(rows(page).nth(0)).to_have_attribute("data-school", "s20")
    await expect(rows(page).nth(1)).to_have_attribute("data-school", "s40")
    await page.get_by_role("button", name="Attendance").click()
    await expect(rows(page).nth(0)).to_have_attribute("data-school", "s40")
    assert requests == []


async def test_a_row_that_moves_stays_the_same_element(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    page = await monitor(browser, server)
    link = page.locator("[data-school=s7] a")
    element = await link.element_handle()
    await mark(server, "s7", "P")
    await take(server, "s7", 1, 2)
    await expect(rows(page).last).to_have_attribute("data-school", "s7")
    assert await page.evaluate(
        "([one, id]) => document.querySelector(id) === one", [element, "[data-school=s7] a"]
    )


async def test_only_schools_with_missing_registers_and_of_a_name(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    page = await monitor(browser, server)
    await page.get_by_role("button", name="Only with missing registers").click()
    await take(server, "s5", 1, 2)
    await page.mouse.move(0, 0)
    await expect(rows(page)).to_have_count(SCHOOLS - 1)
    await expect(page.locator("[data-school=s5]")).to_have_count(0)

    name = await page.locator("[data-school=s6]").get_by_role("rowheader").inner_text()
    await page.get_by_role("searchbox", name="Find a school").fill(name.lower())
    await expect(page.locator("[data-school=s6]")).to_be_visible()
    for found in await rows(page).get_by_role("rowheader").all_inner_texts():
        assert name.lower() in found.lower()
    await page.locator("[data-school=s6] a").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name, timeout=LIMIT)


async def test_after_the_server_was_away_the_rows_are_right_again(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    page = await monitor(browser, server)
    status = page.locator("main").get_by_role("status")
    server.process.kill()
    await expect(status).to_have_text(re.compile("Offline since"), timeout=LIMIT)
    await server.process.start()
    await mark(server, "s9", "A")
    await expect(status).to_have_text(re.compile("Live"), timeout=LIMIT)
    await expect(cells(page, "s9")).to_have_text(["0%", "2", "1", "1", "0"])


async def test_axe_finds_nothing(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    for scheme in ("light", "dark"):
        page = await monitor(browser, server, bypass_csp=True, color_scheme=scheme)
        assert await barriers(page) == []
        await page.context.close()
