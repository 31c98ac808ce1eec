"""The register while the network or the server is away: marks wait, go out once, and meet those of others."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.web.conftest import Start
from tests.web.page import LIMIT, Server
from tests.web.register import (
    COLLEAGUE,
    OFFICE,
    PHONE,
    STUDENTS,
    about,
    entry,
    give_class_to_colleague,
    is_fixed,
    is_set,
    live,
    marks,
    open_sheet,
    row,
    rows,
    student_of,
)


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(schools=1, classes=2, students=STUDENTS)


async def kept_on_device(page: Page) -> None:
    await page.wait_for_function(
        "() => Object.keys(localStorage).some((key) => key.startsWith('rollcall.kept.sheet.'))"
    )


async def test_rows_stay_in_their_places_when_the_network_goes_and_marks_wait(
    browser: Browser, server: Server
) -> None:
    page = await open_sheet(browser, server, **PHONE)
    name = await row(page, 5).locator(".name").inner_text()
    before = await row(page, 5).bounding_box()
    await page.context.set_offline(True)
    for n in range(5):
        await row(page, n).get_by_role("button", name="Present").tap()
        await expect(row(page, n).get_by_role("button", name="Withdraw")).to_be_visible()
    await expect(page.get_by_role("banner").get_by_text("Offline since")).to_be_visible()
    await expect(page.get_by_text("5 waiting to be sent")).to_be_visible()
    await expect(page.get_by_text("Offline since")).to_have_count(1)
    await expect(row(page, 5).locator(".name")).to_have_text(name)
    assert await row(page, 5).bounding_box() == before


async def test_marks_made_offline_survive_a_closed_tab_and_go_out_once_and_in_order(
    browser: Browser, server: Server
) -> None:
    page = await open_sheet(browser, server, **PHONE)
    await page.evaluate("navigator.serviceWorker.ready")
    await kept_on_device(page)
    context = page.context
    await context.set_offline(True)
    students = [await student_of(page, n) for n in range(5)]
    for n in range(5):
        await row(page, n).get_by_role("button", name="Present").tap()
    await row(page, 0).get_by_role("button", name="Present").tap()
    await is_set(page, 0, "Late")
    await expect(page.get_by_text("6 waiting to be sent")).to_be_visible()
    await expect(row(page, 0)).to_contain_text("Waiting")
    url = page.url
    await page.close()

    page = await context.new_page()
    page.set_default_timeout(LIMIT)
    await page.goto(url)
    await expect(page.get_by_text("6 waiting to be sent")).to_be_visible()
    await is_set(page, 0, "Late")
    await is_set(page, 4, "Present")
    await context.set_offline(False)
    await expect(page.get_by_text("waiting to be sent")).to_have_count(0)
    await expect(row(page, 0)).to_contain_text("Saved")
    assert await marks(server) == [*((student, "P") for student in students), (students[0], "L")]


async def test_a_mark_that_was_not_sent_can_be_withdrawn(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **PHONE)
    student = await student_of(page, 1)
    await row(page, 1).get_by_role("button", name="Present").tap()
    await expect(row(page, 1)).to_contain_text("Saved")
    withdraw = page.get_by_role("button", name="Withdraw")
    await expect(withdraw).to_have_count(0)
    await page.context.set_offline(True)
    await expect(page.get_by_role("banner").get_by_text("Offline")).to_be_visible()
    await row(page, 0).get_by_role("button", name="Present").tap()
    await row(page, 0).get_by_role("button", name="Present").tap()
    await is_set(page, 0, "Late")
    await row(page, 0).get_by_role("button", name="Withdraw").tap()
    await is_set(page, 0, "Present")
    await row(page, 0).get_by_role("button", name="Withdraw").tap()
    await expect(row(page, 0)).to_contain_text("Unmarked")
    await expect(row(page, 0).get_by_role("button", name="Present")).to_be_focused()
    await page.get_by_role("button", name="All present").tap()
    await is_set(page, 0, "Present")
    await withdraw.tap()
    await expect(row(page, 0)).to_contain_text("Unmarked")
    await expect(page.get_by_text("waiting to be sent")).to_have_count(0)
    await page.context.set_offline(False)
    await live(page)
    assert await marks(server) == [(student, "P")]


async def test_a_refused_mark_shows_why_and_what_is_there_until_it_is_dismissed(
    browser: Browser, server: Server
) -> None:
    page = await open_sheet(browser, server, **PHONE)
    student = await student_of(page, 3)
    await page.context.set_offline(True)
    await row(page, 3).get_by_role("button", name="Present").tap()
    await expect(page.get_by_text("1 waiting to be sent")).to_be_visible()
    await server.act(OFFICE, "attendance.mark", **about(student), code="L", minutes_late=20)
    await page.context.set_offline(False)
    await expect(entry(page, 3).get_by_role("alert")).to_contain_text("Not saved: Present")
    await expect(entry(page, 3).get_by_role("alert")).to_contain_text("ask the office to change it")
    there = f"There now: Late, 20 min by {await server.name_of(OFFICE)}"
    await expect(entry(page, 3).get_by_role("alert")).to_contain_text(there)
    await page.reload()
    await expect(entry(page, 3).get_by_role("alert")).to_contain_text(there)
    await entry(page, 3).get_by_role("button", name="Keep theirs").tap()
    await expect(entry(page, 3).get_by_role("alert")).to_have_count(0)
    await is_fixed(page, 3, "Late")
    assert await marks(server) == [(student, "L")]


class Held:
    """The actions that a page sends, on their way to the server."""

    def __init__(self) -> None:
        self._waiting: list[tuple[WebSocketRoute, str | bytes]] | None = []

    def pass_on(self, server: WebSocketRoute, message: str | bytes) -> None:
        if self._waiting is None or '["action"' not in str(message):
            server.send(message)
        else:
            self._waiting.append((server, message))

    def release(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        for server, message in waiting:
            server.send(message)


async def hold_actions(page: Page) -> Held:
    """Loads the page again; what it does from then on reaches the server only when it is released."""
    held = Held()

    def connect(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda message: held.pass_on(server, message))

    await page.route_web_socket(re.compile("/socket.io/"), connect)
    await page.reload()
    await live(page)
    return held


async def test_a_mark_made_offline_that_replaces_anothers_says_so(browser: Browser, server: Server) -> None:
    await give_class_to_colleague(server)
    page = await open_sheet(browser, server, **PHONE)
    student = await student_of(page, 3)
    held = await hold_actions(page)
    await page.context.set_offline(True)
    await row(page, 3).get_by_role("button", name="Present").tap()
    await expect(page.get_by_text("1 waiting to be sent")).to_be_visible()
    await server.act(COLLEAGUE, "attendance.mark", **about(student), code="A")
    await page.context.set_offline(False)
    await expect(entry(page, 3).get_by_role("status")).to_contain_text("Also marked Absent by")
    await is_set(page, 3, "Present")
    held.release()
    note = entry(page, 3).get_by_text("Your mark has replaced another one")
    await expect(note).to_contain_text("Absent")
    await page.reload()
    await expect(note).to_contain_text("Absent")
    await entry(page, 3).get_by_role("button", name="Put theirs back").tap()
    await is_set(page, 3, "Absent")
    await expect(note).to_have_count(0)
    await expect(row(page, 3)).to_contain_text("Saved")
    assert await marks(server) == [(student, "A"), (student, "P"), (student, "A")]


async def test_a_register_that_the_office_takes_meanwhile_is_locked(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **PHONE)
    await page.context.set_offline(True)
    await row(page, 0).get_by_role("button", name="Present").tap()
    await expect(page.get_by_text("1 waiting to be sent")).to_be_visible()
    await server.act(OFFICE, "attendance.take", **about())
    await page.context.set_offline(False)
    await expect(page.get_by_text("Taken by")).to_be_visible()
    await expect(entry(page, 0).get_by_role("alert")).to_contain_text("The register is taken")
    await expect(page.get_by_role("button", name="Send mine again")).to_have_count(0)
    await expect(rows(page).get_by_role("button", disabled=False)).to_have_count(0)
    await server.act(OFFICE, "attendance.reopen", **about())
    await page.get_by_role("button", name="Send mine again").tap()
    await is_set(page, 0, "Present")
    await expect(row(page, 0)).to_contain_text("Saved")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_marking_goes_on_while_the_server_is_killed_and_started_again(
    browser: Browser, server: Server
) -> None:
    page = await open_sheet(browser, server, **PHONE)
    students = [await student_of(page, n) for n in range(6)]
    for n in range(3):
        await row(page, n).get_by_role("button", name="Present").tap()
    server.process.kill()
    for n in range(3, 6):
        await row(page, n).get_by_role("button", name="Present").tap()
        await is_set(page, n, "Present")
    await expect(page.get_by_role("banner").get_by_text("Offline since")).to_be_visible()
    await server.process.start()
    await expect(page.get_by_text("waiting to be sent")).to_have_count(0)
    await live(page)
    assert await marks(server) == [(student, "P") for student in students]
