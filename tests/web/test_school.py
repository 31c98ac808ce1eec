"""The board of a school, in a real browser: what teachers do shows on it, and it says how current it is."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from playwright.async_api import Browser, Locator, Page, expect

from tests.web.conftest import Start
from tests.web.page import Server, barriers, today, visit

SIZE = {"schools": 1, "classes": 3, "students": 4, "history": 5}
OFFICE = "office@s1.demo.test"
HEAD = "head@s1.demo.test"
VIEWER = "viewer@s1.demo.test"
TEACHER = "teacher1@s1.demo.test"
LIMIT = 20_000.0


def at(time: str, day: str | None = None) -> str:
    """A moment for the browser's clock; the demo schools use UTC."""
    return f"{day or today()}T{time}:00Z"


async def board(
    browser: Browser, server: Server, email: str, path: str, time: str, **options: object
) -> Page:
    """The board at a time of today, once it is live and the trend has been read."""
    page = await visit(browser, server, email, path, at=at(time), **options)
    await expect(light(page)).to_have_text(re.compile("Live"), timeout=LIMIT)
    await expect(page.get_by_role("img", name=re.compile("Line chart"))).to_be_visible(timeout=LIMIT)
    await page.wait_for_load_state("networkidle")
    return page


def light(page: Page) -> Locator:
    """The only one on the screen."""
    return page.locator(".freshness:visible")


def figure(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name).locator(".count")


def tile(page: Page, class_id: str) -> Locator:
    return page.locator(f"#tile-{class_id}")


async def mark(server: Server, student: str, code: str, *, period: str = "1", **more: object) -> None:
    """What the teacher of the student's class says of them today."""
    class_id = student.rpartition("-")[0]
    teacher = class_id.replace("s1-c", "teacher") + "@s1.demo.test"
    where = {"class_id": class_id, "date": today(), "period": period, "student_id": student}
    await server.act(teacher, "attendance.mark", **where, code=code, **more)


async def take(server: Server, class_id: str, period: str = "1") -> None:
    teacher = class_id.replace("s1-c", "teacher") + "@s1.demo.test"
    await server.act(teacher, "attendance.take", class_id=class_id, date=today(), period=period)


HERE = "Period 1, pupils: on site, late ones included"
LATE = "Period 1, pupils: on site, came late"
ABSENT = "Period 1, pupils: not on site, excused or not, without off-site activities"
MISSING = "Period 1, pupils: registers of lessons that have begun and are not taken"


async def test_marks_move_figures_tile_and_list_without_any_further_request(
    browser: Browser, start: Start
) -> None:
    server = await start(**SIZE)
    page = await board(browser, server, OFFICE, "/schools/s1", "09:10")
    await expect(figure(page, HERE)).to_have_text("0")
    await expect(tile(page, "s1-c1")).to_contain_text("0/4 marked")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))

    await mark(server, "s1-c1-p1", "P")
    await mark(server, "s1-c1-p2", "L", minutes_late=5)
    await mark(server, "s1-c1-p3", "A", note="No call yet")
    await mark(server, "s1-c1-p4", "O")

    await expect(tile(page, "s1-c1")).to_contain_text("4/4 marked")
    await expect(tile(page, "s1-c1")).to_contain_text("1 absent 1 late")
    await expect(figure(page, HERE)).to_have_text("2")
    await expect(page.get_by_role("group", name=HERE)).to_contain_text("16.7% of 12 on roll")
    await expect(figure(page, LATE)).to_have_text("1")
    await expect(figure(page, ABSENT)).to_have_text("1")
    row = page.get_by_role("region", name="Absent students (1)").get_by_role("row").nth(1)
    await expect(row).to_contain_text("No call yet")
    await expect(row.get_by_role("rowheader")).to_have_text(re.compile(r"\w+ \w+"))
    assert requests == []


async def test_missing_registers_come_first_and_say_since_when(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    page = await board(browser, server, OFFICE, "/schools/s1", "09:10")
    await expect(figure(page, MISSING)).to_have_text("3")
    await expect(tile(page, "s1-c1")).to_contain_text("No register since 9:00 AM")

    await mark(server, "s1-c1-p1", "P")
    await expect(tile(page, "s1-c1")).to_contain_text("Open since 9:00 AM, not taken")
    await take(server, "s1-c1")
    await expect(tile(page, "s1-c1")).to_contain_text("Taken, 3 unmarked")
    await expect(figure(page, MISSING)).to_have_text("2")
    await expect(page.locator(".tile").last).to_have_attribute("id", "tile-s1-c1")
    for n in (2, 3, 4):
        await server.act(
            OFFICE,
            "attendance.mark",
            class_id="s1-c1",
            date=today(),
            period="1",
            student_id=f"s1-c1-p{n}",
            code="P",
        )
    await expect(tile(page, "s1-c1").locator(".state")).to_have_text(re.compile(r"^● Taken$"))

    await page.get_by_role("button", name="Only missing registers").click()
    await expect(page.locator(".tile")).to_have_count(2)
    await take(server, "s1-c2")
    await take(server, "s1-c3")
    await expect(page.get_by_text("No register is missing.")).to_be_visible()


async def test_before_a_lesson_begins_nothing_is_missing_and_the_board_follows_the_clock(
    browser: Browser, start: Start
) -> None:
    server = await start(**SIZE)
    page = await board(browser, server, VIEWER, "/schools/s1?wall", "08:50")
    await expect(figure(page, MISSING)).to_have_text("0")
    assert await page.locator("main").get_by_role("button").count() == 0
    assert await page.locator("main").get_by_role("link").count() == 0
    await page.clock.set_fixed_time(at("09:56"))
    second = MISSING.replace("Period 1", "Period 2")
    await expect(figure(page, second)).to_have_text("3")


async def it_is(page: Page, server: Server, moment: str) -> None:
    """On the device and at the server: a page goes by whichever it has heard of last."""
    server.set_clock(datetime.fromisoformat(moment) - datetime.now(UTC))
    await page.clock.set_fixed_time(moment)


async def test_at_midnight_the_board_turns_to_the_next_day(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    await mark(server, "s1-c1-p1", "P")
    page = await board(browser, server, VIEWER, "/schools/s1?wall", "09:10")
    await expect(figure(page, HERE)).to_have_text("1")
    tomorrow = str(date.fromisoformat(today()) + timedelta(days=1))
    await it_is(page, server, at("00:01", tomorrow))
    await expect(figure(page, HERE)).to_have_text("0")
    await expect(light(page)).to_have_text(re.compile("Live"))
    await it_is(page, server, at("09:10"))
    await expect(figure(page, HERE)).to_have_text("1")


async def test_the_whole_day_counts_the_marks_of_all_registers(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    page = await board(browser, server, OFFICE, "/schools/s1", "10:00")
    await page.get_by_role("combobox", name="Period").select_option("Whole day")
    await mark(server, "s1-c1-p1", "P")
    await mark(server, "s1-c1-p1", "A", period="2")
    day = "Whole day, marks of all registers: on site, late ones included"
    await expect(figure(page, day)).to_have_text("1")
    await expect(page.get_by_role("group", name=day)).to_contain_text("50% of 2 marks")
    await expect(tile(page, "s1-c2")).to_contain_text("2 registers missing since 9:00 AM")
    await expect(page.get_by_role("region", name="Absent students (1)")).to_contain_text("Period 2")
    await page.get_by_text("The numbers as a table").click()
    newest = page.get_by_role("region", name="Attendance of the last 30 days").get_by_role("row").last
    await expect(newest).to_contain_text("50%")
    await mark(server, "s1-c1-p2", "P")
    await expect(newest).to_contain_text("66.7%")


async def test_from_a_tile_to_a_class_and_from_a_mark_to_its_history(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    await mark(server, "s1-c1-p1", "A")
    name = await server.name_of(TEACHER)
    page = await board(browser, server, OFFICE, "/schools/s1", "09:10")
    await tile(page, "s1-c1").click()
    row = page.locator("[data-student=s1-c1-p1]")
    await expect(row).to_contain_text(f"Absent by {name}")
    await expect(page.get_by_role("heading", name=re.compile("Period 1"))).to_be_focused()
    await mark(server, "s1-c1-p1", "L", minutes_late=12, note="Bus was late")
    await expect(row).to_contain_text("12 min")

    await row.get_by_role("button").click()
    steps = page.get_by_role("dialog").get_by_role("listitem")
    await expect(steps).to_have_count(2)
    await expect(steps.nth(0)).to_have_text(re.compile(rf"No mark.*A Absent.*{re.escape(name)}, .*\d"))
    await expect(steps.nth(1)).to_have_text(re.compile(r"A Absent.*L Late 12 min.*Bus was late"))
    await mark(server, "s1-c1-p1", "P")
    await expect(steps).to_have_count(3)
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await take(server, "s1-c1")
    await expect(page.get_by_text(f"Taken by {name}")).to_be_visible()
    await page.get_by_role("link", name="Back to the school").click()
    await expect(tile(page, "s1-c1")).to_be_focused()


async def test_the_list_of_the_absent_is_sorted_as_wanted(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    days = {"from": today(), "to": today()}
    await server.act(OFFICE, "attendance.plan", student_ids=["s1-c1-p4"], reason="Dentist", **days)
    for student in ("s1-c1-p1", "s1-c1-p2", "s1-c2-p1", "s1-c2-p3"):
        await mark(server, student, "A")
    page = await board(browser, server, OFFICE, "/schools/s1", "09:10")
    table = page.get_by_role("region", name="Absent students (5)").get_by_role("table")
    await expect(table.get_by_role("columnheader", name="Code")).to_have_attribute("aria-sort", "ascending")
    lines = table.locator("tbody tr")
    await expect(lines).to_contain_text(["A Absent"] * 4 + ["E Excused"])
    await expect(lines.last).to_contain_text("planned: Dentist")
    classes = await table.get_by_role("link").all_inner_texts()
    assert classes[:4] == sorted(classes[:4])
    await table.get_by_role("button", name="Class").click()
    await expect(table.get_by_role("columnheader", name="Class")).to_have_attribute("aria-sort", "ascending")
    classes = await table.get_by_role("link").all_inner_texts()
    assert classes == sorted(classes)
    await table.get_by_role("button", name="Name").click()
    await expect(table.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    names = [name.split()[-1] for name in await table.locator("tbody th").all_inner_texts()]
    assert names == sorted(names)


async def test_the_light_says_since_when_the_server_is_away_and_when_it_is_back(
    browser: Browser, start: Start
) -> None:
    server = await start(**SIZE)
    page = await board(browser, server, OFFICE, "/schools/s1", "09:10")
    await mark(server, "s1-c1-p1", "P")
    await expect(figure(page, HERE)).to_have_text("1")
    server.process.kill()
    await expect(light(page)).to_have_text(re.compile(r"Offline since 9:10 AM"), timeout=LIMIT)
    await expect(figure(page, HERE)).to_have_text("1")
    await server.process.start()
    await mark(server, "s1-c1-p2", "P")
    await expect(light(page)).to_have_text(re.compile("Live"), timeout=LIMIT)
    await expect(figure(page, HERE)).to_have_text("2")


async def test_axe_finds_nothing(browser: Browser, start: Start) -> None:
    server = await start(**SIZE)
    await mark(server, "s1-c1-p1", "A", note="Ill")
    await mark(server, "s1-c1-p2", "L")
    await take(server, "s1-c1")
    for scheme in ("light", "dark"):
        page = await board(
            browser, server, HEAD, "/schools/s1", "09:10", bypass_csp=True, color_scheme=scheme
        )
        await page.get_by_text("The numbers as a table").click()
        assert await barriers(page) == []
        await tile(page, "s1-c1").click()
        await page.locator("[data-student=s1-c1-p1]").get_by_role("button").click()
        await expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
        assert await barriers(page) == []
        await page.goto("/schools/s1?wall=names")
        await expect(page.get_by_role("img", name=re.compile("Line chart"))).to_be_visible(timeout=LIMIT)
        assert await barriers(page) == []
        await page.context.close()
