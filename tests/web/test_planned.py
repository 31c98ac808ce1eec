"""Planned absences: the office plans, the teacher's open register shows it, and cancelling takes it back."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Request, Route, expect

from tests.waiting import until
from tests.web.conftest import Start
from tests.web.page import Server, barriers, today, visit
from tests.web.register import (
    DESK,
    OFFICE,
    PHONE,
    STUDENTS,
    TEACHER,
    is_set,
    open_sheet,
    row,
    sheet,
    student_of,
)

HEAD = "head@s1.demo.test"
VIEWER = "viewer@s1.demo.test"
REASON = "Trip to the museum"


@pytest.fixture
async def server(start: Start) -> Server:
    """There is school every day, also at the weekend on which a test may run."""
    made = await start(schools=1, classes=2, students=STUDENTS)
    changes = {"days": [1, 2, 3, 4, 5, 6, 7]}
    await made.act("admin@demo.test", "school.update", school_id="s1", set=changes)
    return made


async def board(browser: Browser, server: Server, email: str = OFFICE, **options: Any) -> Page:
    page = await visit(browser, server, email, "/schools/s1", **options)
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    return page


def planned(page: Page) -> Locator:
    """The rows of the list on the school's page."""
    return page.get_by_role("region", name=re.compile("Planned absences")).locator("tbody tr")


async def plan(server: Server, student_id: str, **more: object) -> None:
    days = {"from": today(), "to": today()}
    await server.act(OFFICE, "attendance.plan", student_ids=[student_id], reason=REASON, **{**days, **more})


async def code_of(server: Server, student_id: str) -> str | None:
    for one in (await sheet(server))["students"]:
        if one["student"]["id"] == student_id:
            return one["mark"] and str(one["mark"]["code"])
    raise AssertionError(student_id)


async def name_of(page: Page, n: int) -> str:
    return await row(page, n).locator(".name").inner_text()


async def test_what_the_office_plans_is_on_the_open_register_until_it_is_cancelled(
    browser: Browser, server: Server
) -> None:
    teacher = await open_sheet(browser, server, TEACHER, **PHONE)
    office = await board(browser, server, **DESK)
    name = await name_of(teacher, 0)
    await expect(office.get_by_text("Nobody is planned to be away")).to_be_visible()

    await office.get_by_role("button", name="Plan an absence").click()
    dialog = office.get_by_role("dialog")
    await dialog.get_by_role("searchbox", name="Search for a student").fill(name)
    await dialog.get_by_role("checkbox", name=name).check()
    await expect(dialog.get_by_role("group", name="Students: 1 chosen")).to_be_visible()
    await expect(dialog.get_by_text("Nobody has such a name.")).to_have_count(0)
    await dialog.get_by_role("textbox", name="Reason").fill(REASON)
    await dialog.get_by_role("button", name="Plan", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(planned(office)).to_have_count(1)
    await expect(planned(office)).to_contain_text(f"{name}")
    await expect(planned(office)).to_contain_text(f"All dayE Excused{REASON}")

    await is_set(teacher, 0, "Excused")
    await expect(row(teacher, 0)).to_contain_text(f"planned: {REASON}")
    await expect(row(teacher, 0).get_by_role("button", name="Excused")).to_have_accessible_description(
        re.compile(f"planned: {REASON}")
    )
    await teacher.get_by_role("button", name="All present").tap()
    await is_set(teacher, 1, "Present")
    await is_set(teacher, 0, "Excused")

    await planned(office).get_by_role("button", name=f"Cancel absence: {name}").click()
    await expect(office.get_by_role("dialog")).to_contain_text("Cancel this absence?")
    await office.get_by_role("dialog").get_by_role("button", name="Cancel absence").click()
    await expect(planned(office)).to_have_count(0)
    await expect(row(teacher, 0).get_by_role("button", pressed=True)).to_have_count(0)
    await is_set(teacher, 1, "Present")


async def test_the_office_marks_who_came_after_all_with_one_tap_and_a_cleared_mark_is_planned_again(
    browser: Browser, server: Server
) -> None:
    teacher = await open_sheet(browser, server, TEACHER, **PHONE)
    student = f"s1-c1-p{await student_of(teacher, 0)}"
    await plan(server, student)
    await expect(row(teacher, 0)).to_contain_text(f"planned: {REASON}")
    await expect(row(teacher, 0)).to_contain_text("Here after all? Tell the office.")
    await expect(row(teacher, 0).get_by_role("button", name="Excused", pressed=True)).to_be_disabled()
    page = await open_sheet(browser, server, OFFICE, **PHONE)
    await row(page, 0).get_by_role("button", name="Excused").tap()
    await is_set(page, 0, "Present")
    await expect(row(page, 0)).not_to_contain_text(REASON)
    await expect(row(teacher, 0)).to_contain_text("Present")
    await row(page, 0).get_by_role("button", name="More choices").tap()
    await expect(page.get_by_role("dialog").get_by_label("Note")).to_have_value("")
    await page.get_by_role("dialog").get_by_role("button", name="Clear the mark").tap()
    await is_set(page, 0, "Excused")
    await expect(row(page, 0)).to_contain_text(f"planned: {REASON}")


async def test_a_plan_is_made_by_keyboard_alone_for_some_periods(browser: Browser, server: Server) -> None:
    page = await board(browser, server, HEAD, **DESK)
    students = await server.get(OFFICE, "/api/classes/s1-c1/students")
    wanted = students["items"][0]
    await page.get_by_role("button", name="Plan an absence").focus()
    keyboard = page.keyboard
    await keyboard.press("Enter")
    search = page.get_by_role("searchbox", name="Search for a student")
    await expect(search).to_be_focused()
    await keyboard.type(wanted["family_name"].lower())
    box = page.get_by_role("dialog").locator(f"[value={wanted['id']}]")
    await expect(box).to_be_visible()
    await keyboard.press("Enter")
    while not await box.evaluate("box => box === document.activeElement"):
        await keyboard.press("Tab")
    await keyboard.press("Space")
    await expect(page.get_by_role("group", name="Students: 1 chosen")).to_be_visible()
    all_day = page.get_by_role("checkbox", name="All day")
    while not await all_day.evaluate("box => box === document.activeElement"):
        await keyboard.press("Tab")
    for key in ("Space", "Tab", "Space", "Tab", "Space"):
        await keyboard.press(key)
    reason = page.get_by_role("textbox", name="Reason")
    while not await reason.evaluate("box => box === document.activeElement"):
        await keyboard.press("Tab")
    await keyboard.type("Dentist")
    await keyboard.press("Enter")
    await expect(planned(page)).to_contain_text("Period 1, Period 2")
    await expect(page.get_by_role("button", name="Plan an absence")).to_be_focused()
    assert await code_of(server, wanted["id"]) == "E"


async def test_what_is_missing_is_said_at_its_group_and_nothing_that_was_typed_is_lost(
    browser: Browser, server: Server
) -> None:
    page = await board(browser, server, bypass_csp=True, **DESK)
    await page.get_by_role("button", name="Plan an absence").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("textbox", name="Reason").fill("Dentist")
    send = dialog.get_by_role("button", name="Plan", exact=True)
    await send.click()
    await expect(dialog.get_by_role("alert")).to_have_text("Please mend what is marked.")
    students = dialog.get_by_role("group", name="Students: 0 chosen")
    await expect(students).to_have_accessible_description("Choose at least one student.")
    await expect(students.get_by_role("searchbox")).to_be_focused()
    await expect(dialog.get_by_role("textbox", name="Reason")).to_have_value("Dentist")
    assert await barriers(page) == []

    await students.get_by_role("searchbox").fill("a")
    await students.get_by_role("checkbox").first.check()
    periods = dialog.get_by_role("group", name="Periods")
    await periods.get_by_role("checkbox", name="All day").uncheck()
    await send.click()
    await expect(periods).to_have_accessible_description("Choose at least one period.")
    await periods.get_by_role("checkbox", name="Period 1").check()
    await send.click()
    await expect(planned(page)).to_have_count(1)


async def test_the_last_day_follows_the_first_until_somebody_chooses_one(
    browser: Browser, server: Server
) -> None:
    page = await board(browser, server, **DESK)
    await page.get_by_role("button", name="Plan an absence").click()
    first, last = page.get_by_label("First day"), page.get_by_label("Last day")
    await first.fill("2027-03-01")
    await expect(last).to_have_value("2027-03-01")
    await last.fill("2027-03-10")
    await first.fill("2027-03-05")
    await expect(last).to_have_value("2027-03-10")
    await first.fill("2027-03-12")
    await expect(last).to_have_value("2027-03-12")
    await first.fill("2027-03-02")
    await expect(last).to_have_value("2027-03-02")


async def test_the_usual_code_is_the_servers_unless_one_is_chosen(browser: Browser, server: Server) -> None:
    page = await board(browser, server, **DESK)
    sent: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/api/actions"):
            sent.append(json.loads(request.post_data or "")["payload"])

    page.on("request", note)
    for n, code in enumerate((None, "O")):
        await page.get_by_role("button", name="Plan an absence").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("searchbox").fill("a")
        await dialog.get_by_role("checkbox", name=re.compile(r"\w+ \w+ .*\d")).nth(n).check()
        await dialog.get_by_role("textbox", name="Reason").fill(REASON)
        if code is not None:
            await dialog.get_by_role("combobox", name="Code").select_option(code)
        await dialog.get_by_role("button", name="Plan", exact=True).click()
        await expect(dialog).to_have_count(0)
    assert [payload.get("code", "none") for payload in sent] == ["none", "O"]


async def test_the_history_of_a_mark_says_who_planned_it_who_changed_it_and_who_brought_it_back(
    browser: Browser, server: Server
) -> None:
    mark = {"class_id": "s1-c1", "date": today(), "period": "1", "student_id": "s1-c1-p1"}
    await plan(server, "s1-c1-p1")
    await server.act(HEAD, "attendance.mark", **mark, code="P")
    await server.act(HEAD, "attendance.clear", **mark)
    page = await visit(browser, server, OFFICE, "/schools/s1", at=f"{today()}T09:10:00Z", **DESK)
    await page.locator("#tile-s1-c1").click()
    await page.locator("[data-student=s1-c1-p1]").get_by_role("button").click()
    steps = page.get_by_role("dialog").get_by_role("listitem")
    planner, head = await server.name_of(OFFICE), await server.name_of(HEAD)
    await expect(steps).to_have_text(
        [
            re.compile(rf"No mark.*E Excused.*{re.escape(planner)}, "),
            re.compile(rf"E Excused.*P Present.*{re.escape(head)}, "),
            re.compile(rf"P Present.*E Excused.*{re.escape(head)}, "),
        ]
    )


async def test_students_outside_all_classes_are_asked_for_once_each(browser: Browser, server: Server) -> None:
    names = ["One", "Two", "Three", "Four"]
    for name in names:
        person = {"student_id": name.lower(), "given_name": name, "family_name": "Stranger"}
        await server.act(OFFICE, "student.create", school_id="s1", **person)
        await plan(server, name.lower())
    asked = asyncio.Queue[Route]()

    def hold(route: Route) -> None:
        asked.put_nowait(route)

    page = await visit(browser, server, OFFICE, "/sign-in?to=/profile", service_workers="block", **DESK)
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    await page.route("**/api/students/*", hold)
    await page.goto("/schools/s1")
    await until(lambda: asked.qsize() == 3, limit=20)
    for _ in names:
        route = await asyncio.wait_for(asked.get(), 20)
        await route.continue_()
        name = route.request.url.rpartition("/")[2].capitalize()
        await expect(planned(page).get_by_text(f"{name} Stranger")).to_be_visible()
    assert asked.empty()


async def test_the_list_follows_others_and_only_who_may_plan_sees_it(
    browser: Browser, server: Server
) -> None:
    page = await board(browser, server, **DESK)
    viewer = await board(browser, server, VIEWER, **DESK)
    await plan(server, "s1-c1-p1")
    await plan(server, "s1-c2-p1", periods=["2"])
    await expect(planned(page)).to_have_count(2)
    days = {"from": today(), "to": today()}
    await server.act(OFFICE, "attendance.unplan", student_ids=["s1-c2-p1"], **days)
    await expect(planned(page)).to_have_count(1)
    await expect(viewer.get_by_text("Planned absences")).to_have_count(0)
    await expect(viewer.get_by_role("heading", name="Classes")).to_be_visible()


async def test_the_list_is_by_family_name_and_says_the_class(browser: Browser, server: Server) -> None:
    later = str(date.fromisoformat(today()) + timedelta(days=1))
    for n, (student, family) in enumerate(
        (("s1-c1-p1", "Zuse"), ("s1-c2-p1", "Adams"), ("s1-c1-p2", "Moore"))
    ):
        changes = {"given_name": "ABC"[n], "preferred_name": None, "family_name": family}
        await server.act(OFFICE, "student.update", student_id=student, set=changes)
        await plan(server, student, to=later, **({"from": later} if family == "Adams" else {}))
    page = await board(browser, server, **DESK)
    await expect(planned(page).get_by_role("rowheader")).to_have_text(["B Adams", "C Moore", "A Zuse"])
    names = [(await server.get(OFFICE, f"/api/classes/s1-c{n}"))["name"] for n in (2, 1, 1)]
    await expect(planned(page).locator("td:nth-child(2)")).to_have_text(names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_bars_anybody(browser: Browser, server: Server, scheme: str) -> None:
    await plan(server, "s1-c1-p1")
    page = await board(browser, server, bypass_csp=True, color_scheme=scheme, **DESK)
    await expect(planned(page).get_by_role("rowheader")).to_have_text(re.compile(r"\w+ \w+"))
    assert await barriers(page) == []
    await page.get_by_role("button", name="Plan an absence").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("searchbox").fill("a")
    await dialog.get_by_role("checkbox", name="All day").uncheck()
    await dialog.locator("input[name=student_ids]").first.check()
    await dialog.get_by_role("textbox", name="Reason").fill("Dentist")
    assert await barriers(page) == []
    await page.keyboard.press("Escape")
    await planned(page).get_by_role("button", name="Cancel absence").click()
    assert await barriers(page) == []
    register = await open_sheet(browser, server, TEACHER, bypass_csp=True, color_scheme=scheme, **PHONE)
    await expect(register.get_by_text(REASON)).to_be_visible()
    assert await barriers(register) == []


async def test_the_school_days_are_chosen_in_the_administration(browser: Browser, server: Server) -> None:
    page = await visit(browser, server, HEAD, "/sign-in?to=/admin?view=school%26id=s1", **DESK)
    days = page.get_by_role("group", name="School days")
    await expect(days.get_by_role("checkbox", checked=True)).to_have_count(7)
    save = page.get_by_role("region", name="Settings").get_by_role("button", name="Save")
    for n in range(7):
        await days.get_by_role("checkbox").nth(n).uncheck()
    await save.click()
    await expect(days).to_have_accessible_description(re.compile("must have at least one day"))
    await expect(days.get_by_role("checkbox", name="Monday")).to_be_focused()
    for n in range(5):
        await days.get_by_role("checkbox").nth(n).check()
    await save.click()

    async def is_saved() -> bool:
        school = await server.get(HEAD, "/api/schools/s1")
        return bool(school["days"] == [1, 2, 3, 4, 5])

    await until(is_saved, limit=20)
