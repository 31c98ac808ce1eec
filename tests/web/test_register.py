"""A teacher's pages: today's lessons, and the register."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.waiting import until
from tests.web.conftest import Start
from tests.web.page import Server, barriers, today, visit
from tests.web.register import (
    COLLEAGUE,
    DESK,
    OFFICE,
    PHONE,
    STUDENTS,
    TEACHER,
    about,
    entry,
    give_class_to_colleague,
    is_fixed,
    is_set,
    open_sheet,
    row,
    rows,
    sheet,
    student_of,
)

NAMES = ['Zoë "Zed" O\'Hara', "ليلى حدّاد", "<script>alert(1)</script> 🎒", "<b>Bold</b> Tables"]


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(schools=1, classes=2, students=STUDENTS)


async def codes(server: Server) -> list[str | None]:
    return [one["mark"] and one["mark"]["code"] for one in (await sheet(server))["students"]]


async def test_todays_lessons_lead_to_the_register_and_show_its_state(
    browser: Browser, server: Server
) -> None:
    page = await visit(browser, server, TEACHER, "/sign-in?to=/register", **PHONE)
    lesson = page.get_by_role("link", name="Period 1")
    await expect(lesson).to_contain_text("Not started")
    await server.act(OFFICE, "attendance.mark", **about(1), code="P")
    await expect(lesson).to_contain_text("Open")
    await server.act(OFFICE, "attendance.take", **about())
    await expect(lesson).to_contain_text("Taken")
    await lesson.click()
    await expect(rows(page)).to_have_count(STUDENTS)
    name = await server.name_of(OFFICE)
    await expect(page.get_by_text(f"Taken by {name}")).to_be_visible()
    marked = page.locator("[data-student=s1-c1-p1]")
    await expect(marked).to_contain_text(f"by {name}")


async def test_a_class_is_marked_in_fewer_taps_than_it_has_children(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **PHONE)
    taps = 0
    for n, times in ((4, 3), (11, 2)):
        for _ in range(times):
            await row(page, n).get_by_role("button").first.tap()
            taps += 1
    await page.get_by_role("button", name="All present").tap()
    await is_set(page, 0, "Present")
    await page.get_by_role("button", name="Take the register").tap()
    taps += 2
    await expect(page.get_by_text("Taken by you")).to_be_visible()
    assert taps < 10
    found = await codes(server)
    assert [found[4], found[11]] == ["A", "L"]
    assert found.count("P") == STUDENTS - 2
    await expect(rows(page).get_by_role("button", disabled=False)).to_have_count(0)


async def test_undo_clears_exactly_what_all_present_has_set(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **PHONE)
    await row(page, 0).get_by_role("button", name="Present").tap()
    await is_set(page, 0, "Present")
    await page.get_by_role("button", name="All present").tap()
    await expect(page.get_by_text(f"Marked at once: {STUDENTS - 1}")).to_be_visible()
    await server.act(OFFICE, "attendance.mark", **about(await student_of(page, 1)), code="E")
    await is_fixed(page, 1, "Excused")
    await page.get_by_role("button", name="Undo").tap()
    await expect(page.locator(".counts .unmarked dd")).to_have_text(str(STUDENTS - 2))
    await until(lambda: has_codes(server, ["P", "E"] + [None] * (STUDENTS - 2)), limit=20)


async def has_codes(server: Server, wanted: list[str | None]) -> bool:
    return [code or None for code in await codes(server)] == wanted


async def test_a_long_press_opens_all_codes_with_minutes_and_a_note(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **PHONE)
    await row(page, 2).get_by_role("button", name="Present").click(delay=700)
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name="Late").check()
    await dialog.get_by_label("Minutes late").fill("12")
    await dialog.get_by_label("Note").fill('The bus was "late" <again>')
    await dialog.get_by_role("button", name="Save").click()
    await is_set(page, 2, "Late")
    await expect(row(page, 2)).to_contain_text('12 min lateThe bus was "late" <again>')
    await expect(row(page, 2)).to_contain_text("Saved")
    mark = (await sheet(server))["students"][2]["mark"]
    assert (mark["code"], mark["minutes_late"], mark["note"]) == ("L", 12, 'The bus was "late" <again>')


@pytest.mark.parametrize(
    ("period", "code", "label"),
    [("3", "/", "Present in the morning"), ("4", "\\", "Present in the afternoon")],
)
async def test_in_england_present_is_that_of_the_half_of_the_day(
    browser: Browser, server: Server, period: str, code: str, label: str
) -> None:
    await server.act("admin@demo.test", "school.update", school_id="s1", set={"code_set": "england"})
    where = {**about(1), "period": period}
    other = "/\\".replace(code, "")
    await server.act(TEACHER, "attendance.mark", **where, code=other)
    page = await visit(browser, server, TEACHER, f"/sign-in?to=/register/s1-c1/{today()}/{period}", **DESK)
    await expect(rows(page)).to_have_count(STUDENTS)
    offered = page.get_by_role("button", name="Present in the")
    await expect(offered).to_have_count(STUDENTS + 1)
    await expect(page.locator("[data-student=s1-c1-p1]").get_by_role("button", pressed=True)).to_have_count(1)
    await page.get_by_role("button", name="All present").click()
    await expect(page.get_by_role("button", name=label, pressed=True)).to_have_count(STUDENTS - 1)

    async def are_saved() -> bool:
        found = await server.get(TEACHER, f"/api/classes/s1-c1/registers/{today()}/{period}")
        codes = sorted(one["mark"]["code"] for one in found["students"] if one["mark"] is not None)
        return bool(codes == sorted([other, *[code] * (STUDENTS - 1)]))

    await until(are_saved, limit=20)


async def test_two_teachers_see_each_other_and_each_others_marks(browser: Browser, server: Server) -> None:
    await give_class_to_colleague(server)
    one = await open_sheet(browser, server, TEACHER, **PHONE)
    other = await open_sheet(browser, server, COLLEAGUE, **DESK)
    name = await other.get_by_role("banner").locator("a[href='/profile']").inner_text()
    await expect(one.get_by_text("Also here:")).to_contain_text(name)
    await row(one, 0).get_by_role("button", name="Present").tap()
    await is_set(other, 0, "Present")
    await row(other, 1).get_by_role("button", name="Absent").click()
    await is_set(one, 1, "Absent")
    await expect(row(one, 1)).to_contain_text(f"by {name}")
    await expect(one.locator(".counts .absent dd")).to_have_text("1")


async def test_the_office_takes_and_reopens_a_register(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, OFFICE, **DESK)
    await row(page, 0).get_by_role("button", name="Present").click()
    await page.get_by_role("button", name="Take the register").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"Without a mark: {STUDENTS - 1}")
    await dialog.get_by_role("button", name="Absent:").first.click()
    await expect(dialog).to_contain_text(f"Without a mark: {STUDENTS - 2}")
    await dialog.get_by_role("button", name="Take anyway").click()
    await expect(page.get_by_text("Taken by you")).to_be_visible()
    await page.get_by_role("button", name="Reopen").click()
    await expect(page.get_by_role("button", name="Take the register")).to_be_visible()
    assert (await sheet(server))["state"] == "open"


async def test_two_taps_in_one_place_of_those_without_a_mark_mark_one_child(
    browser: Browser, server: Server
) -> None:
    page = await open_sheet(browser, server, **PHONE)
    locks = "After this only the office can change it."
    await expect(page.get_by_role("button", name="Take the register")).to_have_accessible_description(locks)
    await page.get_by_role("button", name="Take the register").tap()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(locks)
    absent = dialog.get_by_role("button", name="Absent:")
    box = await absent.first.bounding_box()
    assert box is not None
    for _ in range(2):
        await page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await expect(dialog.get_by_role("button", name="Absent:", pressed=True)).to_have_count(1)
    await expect(absent).to_have_count(STUDENTS)
    await expect(absent.first).to_have_attribute("aria-pressed", "true")
    assert await absent.first.bounding_box() == box
    await expect(dialog).to_contain_text(f"Without a mark: {STUDENTS - 1}")
    await dialog.get_by_role("button", name="Cancel").tap()
    await is_set(page, 0, "Absent")
    await expect(page.locator(".counts .absent dd")).to_have_text("1")


async def test_a_class_is_marked_by_keyboard_alone_past_rows_that_are_held(
    browser: Browser, server: Server
) -> None:
    page = await open_sheet(browser, server, **DESK)
    held = (0, 2, 3)
    for n in held:
        await server.act(OFFICE, "attendance.mark", **about(await student_of(page, n)), code="O")
    for n in held:
        await is_fixed(page, n, "Off-site")
    await page.keyboard.press("ArrowDown")
    for key in ("p", "a", "ArrowDown", "ArrowUp", "l", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "a"):
        await page.keyboard.press(key)
    for n, label in ((1, "Present"), (4, "Absent"), (5, "Late")):
        await is_set(page, n, label)
    await page.keyboard.press("e")
    await is_set(page, 5, "Excused")
    await expect(page.locator(".counts .unmarked dd")).to_have_text(str(STUDENTS - len(held) - 3))
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Delete")
    await expect(row(page, 5).get_by_role("button", pressed=True)).to_have_count(0)
    await page.keyboard.press("Shift+Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(row(page, 5).get_by_role("button").first).to_be_focused()

    name = await rows(page).nth(7).locator("bdi").first.inner_text()
    await page.keyboard.press("/")
    await page.keyboard.type(name.upper())
    await expect(rows(page)).to_have_count(1)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("a")
    await page.keyboard.press("Escape")
    await expect(rows(page)).to_have_count(STUDENTS)
    await is_set(page, 7, "Absent")


async def test_names_are_shown_as_they_are(browser: Browser, server: Server) -> None:
    for n, name in enumerate(NAMES, 1):
        given, _, family = name.rpartition(" ")
        changes = {"given_name": "Replaced", "preferred_name": given, "family_name": family}
        await server.act(OFFICE, "student.update", student_id=f"s1-c1-p{n}", set=changes)
    page = await open_sheet(browser, server, **PHONE)
    for name in NAMES:
        group = page.get_by_role("group", name=name, exact=True)
        await expect(group.locator("bdi").first).to_have_text(name)
        await group.get_by_role("button", name="Present").tap()
        await expect(group.get_by_role("button", name="Present", pressed=True)).to_be_visible()


async def test_the_order_is_kept_on_the_device(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **PHONE)
    names = page.locator("[data-student] .name")
    by_family = await names.all_inner_texts()
    await page.get_by_label("Sort by").select_option("Given name")
    await expect(names.first).not_to_have_text(by_family[0])
    by_given = await names.all_inner_texts()
    assert sorted(by_given) == sorted(by_family)
    await page.reload()
    await expect(names).to_have_text([re.compile(re.escape(name)) for name in by_given])


@pytest.mark.parametrize("options", [PHONE, {**DESK, "color_scheme": "dark"}], ids=["phone", "dark desk"])
async def test_nothing_bars_anybody(browser: Browser, server: Server, options: dict[str, Any]) -> None:
    await server.act(OFFICE, "attendance.mark", **about(2), code="L", minutes_late=5, note="A note")
    page = await open_sheet(browser, server, bypass_csp=True, **options)
    await page.context.set_offline(True)
    await page.get_by_role("button", name="All present").click()
    await expect(row(page, 0)).to_contain_text("Waiting")
    await server.act(OFFICE, "attendance.mark", **about(await student_of(page, 1)), code="E")
    await row(page, 1).get_by_role("button", name="More choices").click()
    assert await barriers(page) == []
    await page.get_by_role("dialog").get_by_role("radio", name="Absent").check()
    await page.get_by_role("dialog").get_by_role("button", name="Save").click()
    assert await barriers(page) == []
    await page.context.set_offline(False)
    await expect(entry(page, 1).get_by_role("alert")).to_be_visible()
    assert await barriers(page) == []
    await page.goto("/register")
    await expect(page.get_by_role("link", name="Period 1")).to_be_visible()
    assert await barriers(page) == []
