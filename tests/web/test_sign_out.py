"""Leaving a device: nothing of its user stays, nothing comes back, and no mark is lost without a question."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.waiting import until
from tests.web.conftest import Start
from tests.web.page import LIMIT, Server, visit
from tests.web.register import DESK, STUDENTS, TEACHER, live, open_sheet, row

SIZE = {"schools": 1, "classes": 2, "students": STUDENTS}
OFFICE = "office@s1.demo.test"
REFRESH = "**/api/web/refresh"
READ = "fetch('/api/users/me', {headers: {'X-Rollcall-Web': '1'}}).then((answer) => answer.status)"
WITHOUT_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })"
CACHED = """async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith('rollcall-data'));
    const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return keys.flat().map(({ url }) => url);
}"""


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(**SIZE)


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()


async def cookies(page: Page) -> set[str]:
    return {str(cookie.get("name")) for cookie in await page.context.cookies()}


async def is_out(page: Page) -> None:
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=LIMIT)


async def test_marks_that_wait_in_another_tab_are_asked_about(browser: Browser, server: Server) -> None:
    other = await open_sheet(browser, server, TEACHER, **DESK)
    page = await other.context.new_page()
    await page.goto("/profile")
    await live(page)
    await page.context.set_offline(True)
    for n in (0, 1):
        await row(other, n).get_by_role("button", name="Present").click()
    await expect(other.get_by_text("2 waiting to be sent")).to_be_visible()
    await sign_out(page)
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("2 of your changes have not reached the server")
    await dialog.get_by_role("button", name="Stay").click()
    await expect(other.get_by_text("2 waiting to be sent")).to_be_visible()
    await sign_out(page)
    await page.get_by_role("dialog").get_by_role("button", name="Sign out and lose them").click()
    for tab in (page, other):
        await is_out(tab)


async def test_a_session_that_is_left_without_a_network_ends_when_it_is_back(
    browser: Browser, server: Server
) -> None:
    page = await visit(browser, server, OFFICE, "/sign-in?to=/profile")
    await live(page)
    await page.context.set_offline(True)
    await sign_out(page)
    await is_out(page)
    assert "rollcall_refresh" in await cookies(page)
    await page.context.set_offline(False)

    async def are_gone() -> bool:
        return not {"rollcall_access", "rollcall_refresh"} & await cookies(page)

    await until(are_gone, LIMIT / 1000)
    assert await page.evaluate(READ) == 401
    assert await page.evaluate("Object.keys(localStorage).filter((key) => key.includes('leaving'))") == []


async def test_a_renewal_on_its_way_brings_nobody_back(browser: Browser, server: Server) -> None:
    page = await visit(browser, server, OFFICE, "/sign-in?to=/profile", service_workers="block")
    await live(page)
    await page.context.clear_cookies(name="rollcall_access")
    asked, go = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        asked.set()
        await go.wait()
        await route.fulfill(response=answer)

    await page.route(REFRESH, late)
    await page.evaluate("() => void localStorage.setItem('rollcall.good_until', '0')")
    await page.reload()
    await asyncio.wait_for(asked.wait(), LIMIT / 1000)
    await sign_out(page)
    await is_out(page)
    go.set()

    async def are_gone() -> bool:
        return not {"rollcall_access", "rollcall_refresh"} & await cookies(page)

    await until(are_gone, LIMIT / 1000)
    await is_out(page)
    assert await page.evaluate("localStorage.getItem('rollcall.user')") is None


async def test_an_answer_on_its_way_is_not_kept(browser: Browser, server: Server) -> None:
    page = await visit(browser, server, OFFICE, "/sign-in?to=/schools/s1")
    await expect(page.get_by_role("heading", name="Classes")).to_be_visible()
    await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)")
    await page.reload()
    await expect(page.get_by_role("heading", name="Classes")).to_be_visible()
    server.process.pause()
    await page.evaluate("() => { window.late = fetch('/api/classes/s1-c2/students?late').then(() => true); }")
    await sign_out(page)
    await is_out(page)
    server.process.resume()
    assert await page.evaluate("window.late")

    async def nothing_is_kept() -> bool:
        return bool(await page.evaluate(CACHED) == [])

    await until(nothing_is_kept, LIMIT / 1000)


async def test_two_tabs_without_locks_renew_one_after_the_other(browser: Browser, server: Server) -> None:
    page = await visit(browser, server, OFFICE, "/sign-in?to=/profile", service_workers="block")
    await live(page)
    await page.context.add_init_script(WITHOUT_LOCKS)
    other = await page.context.new_page()
    await other.goto("/profile")
    await live(other)
    renewals: list[int] = []
    page.context.on(
        "response", lambda answer: renewals.append(answer.status) if "refresh" in answer.url else None
    )
    await page.context.clear_cookies(name="rollcall_access")
    await page.evaluate("() => void localStorage.setItem('rollcall.good_until', '0')")
    await asyncio.gather(page.reload(), other.reload())
    for tab in (page, other):
        await live(tab)
    assert renewals == [200]
