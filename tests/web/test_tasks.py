"""A team's tasks: seen live, moved by pointer and keyboard, edited by several people, also offline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.waiting import until
from tests.web.conftest import Start
from tests.web.page import LIMIT, Server, barriers, visit

TEAM = "/teams/t1"
LEAD, MEMBER, OTHER = "lead@t1.demo.test", "member1@t1.demo.test", "member2@t1.demo.test"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 1000}}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True}
TITLE = "Update the contact list of bus companies"
BACKLOG = [
    TITLE,
    "Collect quotes for new bicycle stands",
    "Label the lost property and photograph it",
    "Test the public address system",
]

expect.set_options(timeout=LIMIT)


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(schools=1, classes=1, students=1)


async def open_team(browser: Browser, server: Server, email: str = MEMBER, **options: Any) -> Page:
    page = await visit(browser, server, email, f"/sign-in?to={TEAM}", **{**DESK, **options})
    await expect(titles(page, "Backlog")).to_have_text(BACKLOG)
    await live(page)
    return page


async def live(page: Page) -> None:
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()


def column(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def titles(page: Page, name: str) -> Locator:
    return column(page, name).locator(".task-name")


def card(page: Page, title: str) -> Locator:
    return page.locator("[data-task]").filter(has_text=title)


async def open_task(page: Page, title: str = TITLE) -> Locator:
    await card(page, title).get_by_role("link").click()
    return page.get_by_role("dialog")


async def task(server: Server, title: str) -> dict[str, Any]:
    """The one task of this title, as the server has it."""
    page = await server.get(LEAD, "/api/teams/t1/tasks?limit=500")
    (found,) = (one for one in page["items"] if one["title"] == title)
    return dict(found)


async def types_about(server: Server, task_id: str) -> list[str]:
    page = await server.get(LEAD, f"/api/journal/team:t1?record={task_id}&limit=500")
    return [entry["type"] for entry in page["items"]]


async def drag(page: Page, title: str, to: Locator, below: bool = False) -> None:
    """Takes a card at its grip, and puts it down on the upper or the lower part of something."""
    start = await card(page, title).locator(".grip").bounding_box()
    end = await to.bounding_box()
    assert start is not None
    assert end is not None
    await page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    await page.mouse.down()
    y = end["y"] + (end["height"] - 6 if below else 6)
    await page.mouse.move(end["x"] + end["width"] / 2, y, steps=8)
    await page.mouse.up()


async def test_members_see_each_others_changes_as_they_happen(browser: Browser, server: Server) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)

    add = column(one, "Backlog").get_by_role("textbox", name="Add a task")
    await add.fill("Buy chalk")
    await add.press("Enter")
    await expect(add).to_be_focused()
    await expect(add).to_have_value("")
    await add.fill("طباشير <b>ملوّن</b>")
    await add.press("Enter")
    for page in (one, other):
        await expect(titles(page, "Backlog")).to_have_text([*BACKLOG, "Buy chalk", "طباشير <b>ملوّن</b>"])

    await card(other, "Buy chalk").get_by_role("button", name="Done").click()
    done = card(one, "Buy chalk").get_by_role("button", name="Done")
    await expect(done).to_have_attribute("aria-pressed", "true")
    await expect(one.locator(".task-figures div", has_text="Done")).to_have_text("Done3")


async def test_a_card_moved_by_pointer_or_keyboard_is_in_the_same_place_for_all(
    browser: Browser, server: Server
) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)

    await drag(one, BACKLOG[3], card(one, BACKLOG[1]))
    order = [BACKLOG[0], BACKLOG[3], BACKLOG[1], BACKLOG[2]]
    for page in (one, other):
        await expect(titles(page, "Backlog")).to_have_text(order)

    # By keyboard alone: the menu, its first choice, and the focus is on the moved card's button again.
    button = card(other, BACKLOG[2]).get_by_role("button", name="Move")
    await button.focus()
    await other.keyboard.press("Enter")
    await expect(other.get_by_role("menuitem", name="Up")).to_be_focused()
    await other.keyboard.press("Enter")
    order = [BACKLOG[0], BACKLOG[3], BACKLOG[2], BACKLOG[1]]
    for page in (one, other):
        await expect(titles(page, "Backlog")).to_have_text(order)
    await expect(button).to_be_focused()
    said = other.locator(".tasks > .task-unseen")
    await expect(said).to_contain_text("moved to \u2068Backlog\u2069, place 3 of 4")

    await other.keyboard.press("Enter")
    await other.keyboard.press("End")
    await other.keyboard.press("Enter")
    for page in (one, other):
        await expect(titles(page, "This week").last).to_have_text(BACKLOG[2])
    await expect(button).to_be_focused()

    await drag(one, BACKLOG[2], card(one, BACKLOG[0]), below=True)
    order = [BACKLOG[0], BACKLOG[2], BACKLOG[3], BACKLOG[1]]
    for page in (one, other):
        await expect(titles(page, "Backlog")).to_have_text(order)
    await until(lambda: _order_is(server, order), LIMIT / 1000)


async def _order_is(server: Server, order: list[str]) -> bool:
    page = await server.get(LEAD, "/api/teams/t1/tasks?limit=500")
    return [one["title"] for one in page["items"] if one["section"] == "Backlog"] == order


async def test_dragging_can_be_given_up_and_a_click_still_opens(browser: Browser, server: Server) -> None:
    page = await open_team(browser, server)
    box = await card(page, BACKLOG[0]).locator(".grip").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 5, box["y"] + 5)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 500, box["y"] + 50, steps=4)
    await expect(page.locator(".task-ghost")).to_have_count(1)
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(page.locator(".task-ghost")).to_have_count(0)
    await expect(titles(page, "Backlog")).to_have_text(BACKLOG)
    await expect(await open_task(page)).to_be_visible()


async def test_a_finger_drags_a_card_by_its_grip(browser: Browser, server: Server) -> None:
    page = await open_team(browser, server, **PHONE)
    await page.get_by_role("button", name="List", exact=True).click()
    await card(page, BACKLOG[0]).scroll_into_view_if_needed()
    start = await card(page, BACKLOG[0]).locator(".grip").bounding_box()
    end = await card(page, BACKLOG[1]).bounding_box()
    assert start is not None
    assert end is not None
    x, y = start["x"] + 15, start["y"] + 15
    touch = await page.context.new_cdp_session(page)

    async def finger(kind: str, *points: dict[str, float]) -> None:
        await touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    await finger("touchStart", {"x": x, "y": y})
    await finger("touchMove", {"x": x, "y": y + 20})
    await finger("touchMove", {"x": x, "y": end["y"] + end["height"] - 8})
    await expect(page.locator(".task-ghost")).to_have_count(1)
    await finger("touchEnd")
    await expect(titles(page, "Backlog")).to_have_text([BACKLOG[1], BACKLOG[0], *BACKLOG[2:]])


async def test_columns_by_status_change_the_status(browser: Browser, server: Server) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)
    await one.get_by_role("button", name="By status").click()
    await drag(one, TITLE, column(one, "In progress").get_by_role("heading"))
    await expect(titles(one, "In progress").filter(has_text=TITLE)).to_have_count(1)
    await expect(card(other, TITLE)).to_contain_text("In progress")
    await drag(one, TITLE, column(one, "Done").get_by_role("heading"))
    await expect(card(other, TITLE).get_by_role("button", name="Done")).to_have_attribute(
        "aria-pressed", "true"
    )
    await drag(one, TITLE, column(one, "Open").get_by_role("heading"))
    await expect(card(other, TITLE).get_by_role("button", name="Done")).to_have_attribute(
        "aria-pressed", "false"
    )
    await until(lambda: _has(server, "status", "open"), LIMIT / 1000)


async def _has(server: Server, field: str, value: object) -> bool:
    return bool((await task(server, TITLE))[field] == value)


async def _edit_title(one: Page, other: Page) -> tuple[Locator, Locator]:
    """Both begin to edit the title; the other one is done first."""
    mine, theirs = await open_task(one), await open_task(other)
    await mine.get_by_label("Title").fill("Mine")
    await theirs.get_by_label("Title").fill("Theirs")
    await theirs.get_by_label("Title").press("Enter")
    await expect(card(one, "Theirs")).to_have_count(1)
    await expect(mine.get_by_label("Title")).to_have_value("Mine")
    await mine.get_by_label("Title").press("Enter")
    clash = mine.get_by_role("region", name="Somebody else has changed the same meanwhile")
    await expect(clash.locator(".task-versions")).to_contain_text("TheirsTheirsMineMine")
    return mine, theirs


@pytest.mark.parametrize(("choice", "title"), [("Keep theirs", "Theirs"), ("Use mine", "Mine")])
async def test_who_clashes_sees_both_values_and_chooses(
    browser: Browser, server: Server, choice: str, title: str
) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)
    mine, theirs = await _edit_title(one, other)
    await mine.get_by_role("button", name=choice).click()
    await expect(mine.get_by_role("region", name="Somebody else")).to_have_count(0)
    for dialog in (mine, theirs):
        await expect(dialog.get_by_label("Title")).to_have_value(title)
    await until(lambda: _exists(server, title), LIMIT / 1000)


async def _exists(server: Server, title: str) -> bool:
    page = await server.get(LEAD, "/api/teams/t1/tasks?limit=500")
    return title in [one["title"] for one in page["items"]]


async def test_a_clash_waits_on_the_board_until_somebody_decides(browser: Browser, server: Server) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)
    mine, _ = await _edit_title(one, other)
    await mine.get_by_role("button", name="Close").click()
    await one.reload()
    await one.get_by_role("region", name="Not saved").get_by_role("link", name="Compare").click()
    await one.get_by_role("dialog").get_by_role("button", name="Use mine").click()
    await expect(card(other, "Mine")).to_have_count(1)
    await expect(one.get_by_role("region", name="Not saved")).to_have_count(0)


async def test_edits_of_other_fields_merge_while_somebody_types(browser: Browser, server: Server) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)
    mine, theirs = await open_task(one), await open_task(other)
    await mine.get_by_label("Description").fill("All of them\nby Friday")
    await theirs.get_by_label("Title").fill("Update the list")
    await theirs.get_by_label("Priority").select_option("urgent")
    await theirs.get_by_role("group", name="Assignees").get_by_role("checkbox").first.check()
    await expect(mine.get_by_label("Title")).to_have_value("Update the list")
    await expect(mine.get_by_label("Priority")).to_have_value("urgent")
    await expect(mine.get_by_label("Description")).to_have_value("All of them\nby Friday")
    await mine.get_by_label("Due", exact=True).fill("2031-05-06")
    await mine.get_by_label("Due: time").fill("07:08")
    await mine.get_by_role("textbox", name="Add a label").fill("سفر")
    await mine.get_by_role("textbox", name="Add a label").press("Enter")
    await expect(theirs.get_by_label("Description")).to_have_value("All of them\nby Friday")
    await expect(theirs.get_by_label("Due", exact=True)).to_have_value("2031-05-06")
    await expect(theirs.get_by_label("Due: time")).to_have_value("07:08")
    await expect(theirs.get_by_role("button", name="Remove the label")).to_have_count(2)
    await expect(one.get_by_role("region", name="Somebody else")).to_have_count(0)


async def test_a_due_day_has_a_time_and_half_a_date_is_told_and_kept(
    browser: Browser, server: Server
) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)
    mine, theirs = await open_task(one), await open_task(other)
    day, time = mine.get_by_label("Due", exact=True), mine.get_by_label("Due: time")
    await day.focus()
    await one.keyboard.type("05")
    await expect(mine.get_by_text("Not saved yet")).to_be_visible()
    await mine.get_by_label("Title").focus()
    await expect(mine.get_by_text("Not saved yet")).to_be_visible()
    assert await day.evaluate("input => input.validity.badInput")
    await day.fill("2031-05-06")
    await expect(time).to_have_value("17:00")
    await mine.get_by_label("Title").focus()
    await expect(mine.get_by_text("Not saved yet")).to_have_count(0)
    await expect(theirs.get_by_label("Due", exact=True)).to_have_value("2031-05-06")
    await expect(theirs.get_by_label("Due: time")).to_have_value("17:00")
    await day.fill("")
    await mine.get_by_label("Title").focus()
    await expect(theirs.get_by_label("Due", exact=True)).to_have_value("")


async def test_comments_are_read_and_come_live(browser: Browser, server: Server) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)
    title = "Label the lost property and photograph it"
    mine, theirs = await open_task(one, title), await open_task(other, title)
    for dialog in (mine, theirs):
        await expect(dialog.get_by_text("The shelf behind the office is full.")).to_be_visible()
    await mine.get_by_label("New comment").fill("I have emptied it.")
    await mine.get_by_role("button", name="Comment").click()
    for dialog in (mine, theirs):
        await expect(dialog.locator(".task-comments li")).to_have_count(2)
        await expect(dialog.locator(".task-comments li").last).to_contain_text("I have emptied it.")
    name = await server.name_of(MEMBER)
    await server.act(LEAD, "team.remove_member", team_id="t1", user_id="u-t1-member1")
    await expect(theirs.locator(".task-comments li").last).to_contain_text(name)


async def test_a_deleted_task_can_be_brought_back(browser: Browser, server: Server) -> None:
    one, other = await open_team(browser, server, LEAD), await open_team(browser, server, OTHER)
    dialog = await open_task(one)
    await expect((await open_task(other)).get_by_label("Title")).to_be_visible()
    # Who has not made a task may not delete it.
    await expect(other.get_by_role("button", name="Delete the task")).to_have_count(0)
    await dialog.get_by_role("button", name="Delete the task").click()
    await expect(titles(one, "Backlog")).to_have_text(BACKLOG[1:])
    await expect(other.get_by_role("dialog")).to_contain_text("was deleted")
    await one.get_by_role("button", name="Undo").click()
    await expect(titles(one, "Backlog")).to_have_text(BACKLOG)
    await expect(other.get_by_role("dialog").get_by_label("Title")).to_have_value(TITLE)


async def test_what_is_done_offline_is_shown_and_goes_out_once(browser: Browser, server: Server) -> None:
    one, other = await open_team(browser, server), await open_team(browser, server, OTHER)
    before = await task(server, TITLE)
    await server.process.terminate()
    await expect(one.get_by_role("banner").get_by_text("Offline")).to_be_visible()

    dialog = await open_task(one)
    # Twice the same field in a row is no clash with oneself.
    for title in ("First", "Second"):
        await dialog.get_by_label("Title").fill(title)
        await dialog.get_by_label("Title").press("Enter")
    await dialog.get_by_role("button", name="Close").click()
    await expect(card(one, "Second")).to_contain_text("Waiting to be sent")
    add = column(one, "Backlog").get_by_role("textbox", name="Add a task")
    await add.fill("From the cellar")
    await add.press("Enter")
    await expect(card(one, "From the cellar")).to_contain_text("Waiting to be sent")

    await server.process.start()
    for page in (one, other):
        await expect(titles(page, "Backlog")).to_have_text(["Second", *BACKLOG[1:], "From the cellar"])
    await expect(one.locator(".task-state.queued, .task-state.sent, .task-refused")).to_have_count(0)
    assert await types_about(server, before["id"]) == ["task.create", "task.update", "task.update"]
    assert (await task(server, "From the cellar"))["section"] == "Backlog"


async def test_a_team_reloaded_offline_shows_what_it_showed_last_and_takes_acts(
    browser: Browser, server: Server
) -> None:
    page = await open_team(browser, server)
    await page.evaluate("navigator.serviceWorker.ready")
    await server.act(OTHER, "task.create", team_id="t1", title="A late one", section="Backlog")
    await expect(card(page, "A late one")).to_be_visible()
    await page.wait_for_function(
        "() => Object.entries(localStorage).some(([key, kept]) =>"
        " key.startsWith('rollcall.kept.team.') && kept.includes('A late one'))"
    )
    await page.context.set_offline(True)
    await page.reload()
    await expect(titles(page, "Backlog")).to_have_text([*BACKLOG, "A late one"])
    await expect(page.get_by_role("banner").get_by_text("Offline")).to_be_visible()
    await card(page, "A late one").get_by_role("button", name="Done:").click()
    await expect(card(page, "A late one")).to_contain_text("Waiting to be sent")
    await page.goto("/teams/t2")
    await expect(page.get_by_text("has not been opened on this device yet")).to_be_visible()
    await page.goto("/tasks")
    await expect(card(page, "Check the fire doors downstairs")).to_be_visible()
    await page.goto(TEAM)
    await expect(card(page, "A late one")).to_contain_text("Waiting to be sent")
    await page.context.set_offline(False)
    await until(lambda: is_done(server, "A late one"), limit=20)
    await expect(page.locator(".task-state.queued, .task-state.sent")).to_have_count(0)

    await page.goto("/profile")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("textbox", name="E-mail address")).to_be_visible()
    kept = await page.evaluate(
        "() => Object.keys(localStorage).filter((key) => key.startsWith('rollcall.kept.team.'))"
    )
    assert kept == []


async def test_of_teams_those_that_were_shown_last_are_kept(browser: Browser, server: Server) -> None:
    page = await open_team(browser, server)
    teams = "Object.keys(localStorage).filter((key) => key.startsWith('rollcall.kept.team.')).sort()"
    await page.wait_for_function(f"() => {teams}.length === 1")
    for n in range(30):
        await page.evaluate(
            "(n) => localStorage.setItem(`rollcall.kept.team.${1000 + n}.t${100 + n}`, '[]')", n
        )
    await page.reload()
    await page.wait_for_function(f"() => {teams}.length === 20")
    kept = [key.rpartition(".")[2] for key in await page.evaluate(teams)]
    assert kept == [*(f"t{n}" for n in range(111, 130)), "t1"]


async def is_done(server: Server, title: str) -> bool:
    return bool((await task(server, title))["status"] == "done")


async def test_a_refusal_says_why_and_what_was_entered(browser: Browser, server: Server) -> None:
    page = await open_team(browser, server)
    dialog = await open_task(page, "Collect quotes for new bicycle stands")
    await dialog.get_by_label("Start", exact=True).fill("2044-01-01")
    await dialog.get_by_label("Title").focus()
    refused = dialog.locator(".task-refused")
    await expect(refused).to_contain_text("was refused:")
    await expect(refused).to_contain_text("2044")
    await expect(dialog.get_by_label("Start", exact=True)).to_have_value("")
    await refused.get_by_role("button", name="Understood").click()
    await expect(refused).to_have_count(0)


async def test_filters_narrow_what_is_shown(browser: Browser, server: Server) -> None:
    await server.act(
        LEAD, "task.create", team_id="t1", title="Late", section="Backlog", due="2020-01-01T00:00:00Z"
    )
    page = await visit(browser, server, MEMBER, f"/sign-in?to={TEAM}", **DESK)
    bar = page.get_by_role("search")
    cards = page.locator("[data-task]")
    await expect(cards).to_have_count(11)

    async def shows(count: int, choose: Callable[[], Awaitable[object]]) -> None:
        await choose()
        await expect(cards).to_have_count(count)
        await expect(bar.get_by_role("status")).to_have_text(f"{count} of 11 shown")
        await bar.get_by_role("button", name="Show all").click()
        await expect(cards).to_have_count(11)

    await shows(1, lambda: bar.get_by_label("Search").fill("PROJECTOR"))
    await shows(3, lambda: bar.get_by_label("Assignee").select_option("Me"))
    await shows(3, lambda: bar.get_by_label("Assignee").select_option("Nobody"))
    await shows(3, lambda: bar.get_by_role("combobox", name="Label").select_option("safety"))
    await shows(2, lambda: bar.get_by_label("Status").select_option("done"))
    await shows(1, lambda: bar.get_by_label("Overdue").check())
    await expect(page.locator(".task-figures .bad")).to_have_text("Overdue1")

    await bar.get_by_label("Assignee").select_option("Me")
    await page.get_by_role("button", name="List", exact=True).click()
    await expect(cards).to_have_count(3)


async def test_my_tasks_are_those_of_all_teams_and_stay_current(browser: Browser, server: Server) -> None:
    page = await open_team(browser, server)
    await page.get_by_role("link", name="My tasks").click()
    await expect(column(page, "Due within a week").locator("[data-task]")).to_have_count(2)
    await expect(column(page, "Done").locator("[data-task]")).to_have_count(1)
    found = await task(server, TITLE)
    me = (await server.get(MEMBER, "/api/users/me"))["id"]
    await server.act(LEAD, "task.assign", task_id=found["id"], assignees=[me])
    await expect(titles(page, "Without a date")).to_have_text([TITLE])
    await card(page, TITLE).get_by_role("button", name="Done").click()
    await expect(titles(page, "Done").filter(has_text=TITLE)).to_have_count(1)
    await until(lambda: _has(server, "status", "done"), LIMIT / 1000)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_no_barrier(browser: Browser, server: Server, theme: str) -> None:
    one = await open_team(browser, server, bypass_csp=True, color_scheme=theme)
    other = await open_team(browser, server, OTHER)
    assert await barriers(one) == []
    await card(one, TITLE).get_by_role("button", name="Move").click()
    await expect(one.get_by_role("menu")).to_be_visible()
    assert await barriers(one) == []
    await one.keyboard.press("Escape")
    await one.get_by_role("button", name="List", exact=True).click()
    assert await barriers(one) == []
    mine, _ = await _edit_title(one, other)
    assert await barriers(one) == []
    await mine.get_by_role("button", name="Close").click()
    assert await barriers(one) == []
    await one.get_by_role("link", name="My tasks").click()
    await expect(one.locator("[data-task]").first).to_be_visible()
    assert await barriers(one) == []


@pytest.mark.parametrize("language", ["en", "de", "ar"])
async def test_nothing_is_cut_off_or_too_small_on_a_phone(
    browser: Browser, server: Server, language: str
) -> None:
    page = await open_team(browser, server, **PHONE)
    await page.evaluate("(code) => localStorage.setItem('rollcall.language', code)", language)
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await expect(page.locator(".task-figures")).to_be_visible()
    await page.locator(".task-filtering > summary").click()
    assert await page.evaluate(SMALL) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await card(page, TITLE).get_by_role("link").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await page.evaluate(SMALL) == []
    assert await page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")


SMALL = """[...document.querySelectorAll("main :is(a, button, input, select, textarea, summary)")]
  .map((element) => [element, (element.closest("label") ?? element).getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 0 && (width < 43.9 || height < 43.9))
  .map(([element]) => element.outerHTML)"""
"""Targets of less than 44 px; a label is part of its field's."""
