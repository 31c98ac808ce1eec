"""What goes wrong in the middle of a school day: sessions that run out, and devices whose clock is wrong."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.waiting import until
from tests.web.conftest import Start
from tests.web.page import LIMIT, PASSWORD, Server, visit
from tests.web.register import (
    DESK,
    OFFICE,
    PHONE,
    STUDENTS,
    TEACHER,
    is_set,
    live,
    marks,
    open_sheet,
    row,
    rows,
    student_of,
)

SIZE = {"schools": 1, "classes": 2, "students": STUDENTS}
LEAD = "lead@t1.demo.test"
ADMIN = "admin@demo.test"

ACCESS = 4.0
"""Seconds that a short-lived access token is good for; it is renewed after about three."""

IN_TIME = 12.0
"""As long as also a slow machine needs, so that a renewal comes before the end."""

REFRESH = "/api/web/refresh"

IS_KEPT = "Object.values(localStorage).some((kept) => kept.includes('Check the fire doors'))"
"""Whether a task of the team is on the device."""


async def mark(page: Page, n: int) -> int:
    """Marks the student in a row as present; gives the student."""
    student = await student_of(page, n)
    await row(page, n).get_by_role("button", name="Present").tap()
    await is_set(page, n, "Present")
    return student


async def nothing_waits(page: Page) -> None:
    await expect(page.get_by_text("waiting to be sent")).to_have_count(0)
    await live(page)


async def one_more(found: list[str]) -> None:
    before = len(found)
    await until(lambda: len(found) > before, LIMIT / 1000)


# -- sessions that run out


async def test_marking_goes_on_while_tokens_run_out_and_are_renewed_over_the_open_connection(
    browser: Browser, start: Start
) -> None:
    server = await start(access=IN_TIME, **SIZE)
    page = await open_sheet(browser, server, **PHONE)
    renewals: list[str] = []
    page.on("response", lambda answer: renewals.extend([answer.url] if answer.url.endswith(REFRESH) else []))
    connections: list[str] = []
    page.on("websocket", lambda socket: connections.append(socket.url))
    await page.reload()
    await live(page)
    marked = [await mark(page, 0)]
    await one_more(renewals)
    marked.append(await mark(page, 1))
    await nothing_waits(page)
    await expect(row(page, 1)).to_contain_text("Saved")
    assert len(connections) == 1
    await expect(page).to_have_url(re.compile("/register/s1-c1/"))
    assert await marks(server) == [(student, "P") for student in marked]


async def test_a_connection_that_ends_with_its_token_costs_no_mark_and_asks_for_no_password(
    browser: Browser, start: Start
) -> None:
    server = await start(access=ACCESS, **SIZE)
    # Only without it Playwright sees every request.
    page = await open_sheet(browser, server, service_workers="block", **PHONE)
    marked = [await mark(page, 0)]
    await page.route(f"**{REFRESH}", lambda route: route.abort())
    await expect(page.get_by_role("banner").get_by_text("Offline since")).to_be_visible()
    marked += [await mark(page, 1), await mark(page, 2)]
    await expect(page.get_by_text("2 waiting to be sent")).to_be_visible()
    await page.unroute(f"**{REFRESH}")
    await nothing_waits(page)
    await expect(page).to_have_url(re.compile("/register/s1-c1/"))
    assert await marks(server) == [(student, "P") for student in marked]


async def test_who_reads_with_a_token_that_is_over_gets_another_one_and_the_answer(
    browser: Browser, start: Start
) -> None:
    server = await start(**SIZE)
    page = await visit(browser, server, ADMIN, "/sign-in?to=/profile", service_workers="block", **DESK)
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    # As after a night: the connection has not noticed yet that it is over.
    await page.context.clear_cookies(name="rollcall_access")
    await page.get_by_role("link", name="Administration").click()
    await expect(page.get_by_role("main").get_by_text(OFFICE)).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_without_locks_the_connection_and_a_reading_page_renew_a_session_together(
    browser: Browser, start: Start
) -> None:
    server = await start(**SIZE)
    page = await visit(browser, server, ADMIN, "/sign-in?to=/admin", service_workers="block", **DESK)
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    # As on pages by plain http from another machine.
    await page.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })")
    await page.context.clear_cookies(name="rollcall_access")
    renewals: list[str] = []
    is_asked, is_refused = asyncio.Event(), asyncio.Event()

    async def read_late(route: Route) -> None:
        await is_asked.wait()
        await route.continue_()

    async def renew_late(route: Route) -> None:
        renewals.append(route.request.url)
        is_asked.set()
        await is_refused.wait()
        await route.continue_()

    await page.route("**/api/users?*", read_late)
    await page.route(f"**{REFRESH}", renew_late)
    page.on("response", lambda answer: is_refused.set() if answer.status == 401 else None)
    await page.reload()
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    await expect(page.get_by_role("main").get_by_text(OFFICE)).to_be_visible()
    assert len(renewals) == 1


async def cookies(context: BrowserContext) -> dict[str, Any]:
    return {cookie["name"]: cookie["expires"] for cookie in await context.cookies()}


async def revoke(server: Server) -> None:
    await server.post(TEACHER, "/api/users/logout?all=true")


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_after_the_end_of_a_session_unsent_marks_wait_for_their_user_and_go_out(
    browser: Browser, start: Start, how: str
) -> None:
    short = {"access": ACCESS, "refresh": 2 * ACCESS} if how == "expired" else {}
    server = await start(**short, **SIZE)
    page = await open_sheet(browser, server, **PHONE)
    marked = [await mark(page, 0)]
    await expect(row(page, 0)).to_contain_text("Saved")
    await page.context.set_offline(True)
    marked += [await mark(page, 1), await mark(page, 2)]
    await expect(page.get_by_text("2 waiting to be sent")).to_be_visible()
    if how == "revoked":
        await revoke(server)
    else:
        await until(lambda: is_over(page), LIMIT / 1000)
    await page.context.set_offline(False)

    await page.get_by_role("textbox", name="E-mail address").fill(TEACHER)
    assert await marks(server) == [(marked[0], "P")]
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(rows(page)).to_have_count(STUDENTS)
    await nothing_waits(page)
    for n in range(3):
        await is_set(page, n, "Present")
    assert await marks(server) == [(student, "P") for student in marked]


async def test_after_the_end_of_a_session_the_next_user_finds_nothing_on_the_device(
    browser: Browser, start: Start
) -> None:
    server = await start(**SIZE)
    page = await visit(browser, server, LEAD, "/sign-in?to=/teams/t1", **DESK)
    await page.wait_for_function(f"() => {IS_KEPT}")
    await page.evaluate(
        "caches.open('rollcall-data').then((data) => data.put('/api/kept', new Response('')))"
    )
    await server.post(LEAD, "/api/users/logout?all=true")
    await expect(page.get_by_role("textbox", name="E-mail address")).to_be_visible()
    assert await page.evaluate(IS_KEPT)
    await page.goto("/sign-in?to=/profile")
    await page.get_by_role("textbox", name="E-mail address").fill(TEACHER)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    assert not await page.evaluate(IS_KEPT)
    await page.wait_for_function("async () => (await caches.match('/api/kept')) === undefined")


async def is_over(page: Page) -> bool:
    return await cookies(page.context) == {}


# -- devices whose clock is wrong


@pytest.fixture(params=[1, -1], ids=["a day behind", "a day ahead"])
async def elsewhen(request: pytest.FixtureRequest, start: Start) -> Server:
    """A server whose clock differs from that of the device by a day."""
    server = await start(**SIZE)
    server.set_clock(timedelta(days=request.param))
    return server


async def test_marks_of_a_device_with_a_wrong_clock_are_of_the_schools_day(
    browser: Browser, elsewhen: Server
) -> None:
    day, device = elsewhen.now().date(), datetime.now(UTC)
    page = await visit(browser, elsewhen, TEACHER, "/sign-in?to=/register", **PHONE)
    await page.get_by_role("link", name="Period 1").click()
    await expect(page).to_have_url(re.compile(f"/register/s1-c1/{day}/1$"))
    before = elsewhen.now()
    student = await mark(page, 0)
    await expect(row(page, 0)).to_contain_text("Saved")
    [found] = [
        one["mark"]
        for one in (await elsewhen.get(ADMIN, f"/api/classes/s1-c1/registers/{day}/1"))["students"]
        if one["mark"] is not None
    ]
    assert (found["student_id"], found["date"]) == (f"s1-c1-p{student}", str(day))
    assert before - timedelta(seconds=1) <= datetime.fromisoformat(found["at"]) <= elsewhen.now()

    # The session lasts as long as on any other device.
    left = {name: expires - device.timestamp() for name, expires in (await cookies(page.context)).items()}
    assert left["rollcall_access"] == pytest.approx(timedelta(minutes=15).total_seconds(), abs=LIMIT / 1000)
    assert left["rollcall_refresh"] == pytest.approx(timedelta(days=30).total_seconds(), abs=LIMIT / 1000)
    await page.reload()
    await live(page)
    await is_set(page, 0, "Present")


async def test_what_a_device_with_a_wrong_clock_keeps_opens_without_a_network(
    browser: Browser, elsewhen: Server
) -> None:
    page = await visit(browser, elsewhen, TEACHER, "/sign-in?to=/register", **PHONE)
    await page.get_by_role("link", name="Period 1").click()
    await page.evaluate("navigator.serviceWorker.ready")
    await expect(rows(page)).to_have_count(STUDENTS)
    await page.wait_for_function(
        "() => Object.keys(localStorage).some((key) => key.startsWith('rollcall.kept.sheet.'))"
    )
    await page.context.set_offline(True)
    await page.reload()
    await expect(rows(page)).to_have_count(STUDENTS)
    student = await mark(page, 0)
    await page.context.set_offline(False)
    await nothing_waits(page)
    assert await marks(elsewhen, date=str(elsewhen.now().date())) == [(student, "P")]


async def test_boards_on_a_device_with_a_wrong_clock_show_the_schools_day(
    browser: Browser, elsewhen: Server
) -> None:
    day = elsewhen.now().date()
    where = {"class_id": "s1-c1", "date": str(day), "period": "1"}
    await elsewhen.act(OFFICE, "attendance.mark", **where, student_id="s1-c1-p1", code="A")
    page = await visit(browser, elsewhen, ADMIN, "/sign-in?to=/schools/s1?day", **DESK)
    await expect(page.locator(".title")).to_contain_text(f"{day:%A}, {day:%B} {day.day}")
    await expect(page.get_by_role("region", name="Absent students (1)")).to_be_visible()
    await page.goto("/district")
    await expect(page.locator("[data-school=s1]").get_by_role("cell").nth(0)).to_have_text("0%")
    await elsewhen.process.terminate()
    now = elsewhen.now()
    offline = page.get_by_role("banner").get_by_text("Offline since")
    said = [f"Offline since {moment:%-I:%M} {moment:%p}" for moment in (now, now + timedelta(minutes=1))]
    await expect(offline).to_have_text(re.compile("|".join(said)))


async def test_what_is_overdue_on_a_device_with_a_wrong_clock_is_overdue_by_the_servers(
    browser: Browser, elsewhen: Server
) -> None:
    for title, hours in (("Past", -12), ("To come", 12)):
        due = elsewhen.now() + timedelta(hours=hours)
        await elsewhen.act(
            ADMIN,
            "task.create",
            team_id="t1",
            title=title,
            section="Backlog",
            due=f"{due:%Y-%m-%dT%H:%M:%SZ}",
        )
    page = await visit(browser, elsewhen, LEAD, "/sign-in?to=/teams/t1", **DESK)
    late = page.locator("[data-task]", has=page.locator(".task-late"))
    await expect(late.filter(has_text="Past")).to_have_count(1)
    await expect(late.filter(has_text="To come")).to_have_count(0)
