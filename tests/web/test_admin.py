"""The administration, one's own profile, and the navigation, as people with each role see them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.web.conftest import Start
from tests.web.page import LIMIT, Server, barriers, today, visit

ADMIN = "admin@demo.test"
HEAD = "head@s1.demo.test"
TEACHER = "teacher1@s1.demo.test"
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
NAME = 'Zoë "Zed" <b>O\'Hara</b> ليلى'

expect.set_options(timeout=LIMIT)


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(schools=2, classes=2, students=3)


async def admin_page(
    browser: Browser, server: Server, query: str, email: str = ADMIN, **options: Any
) -> Page:
    """The administration as somebody sees it once they have signed in."""
    page = await visit(browser, server, email, "/sign-in", **options)
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    await page.goto(f"/admin?{query}")
    await expect(heading(page)).to_be_visible()
    return page


def heading(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("heading", level=1)


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


async def sign_in(page: Page, email: str, password: str) -> None:
    await page.get_by_role("textbox", name="E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def places(page: Page) -> list[str]:
    """What the navigation offers."""
    navigation = page.get_by_role("banner").get_by_role("navigation")
    await expect(navigation.get_by_role("link").first).to_be_visible()
    return await navigation.get_by_role("link").all_inner_texts()


async def make_user(page: Page, name: str, email: str) -> str:
    """Fills in and sends the dialog; gives the first password, which is shown once."""
    await page.get_by_role("button", name="New user").click()
    await dialog(page).get_by_label("Name").fill(name)
    await dialog(page).get_by_label("E-mail address").fill(email)
    await dialog(page).get_by_role("button", name="Create").click()
    password = await dialog(page).get_by_label("First password").input_value()
    await dialog(page).get_by_role("button", name="Close").click()
    await expect(dialog(page)).to_have_count(0)
    return password


async def test_a_new_user_gets_a_role_signs_in_and_is_out_once_disabled(
    browser: Browser, server: Server
) -> None:
    admin = await admin_page(browser, server, "view=users")
    password = await make_user(admin, NAME, "zed@s1.demo.test")

    await admin.get_by_label("Search a name or e-mail address").fill("zed@")
    await expect(admin.locator(".entries li")).to_have_count(1)
    await admin.get_by_role("link", name="zed@s1.demo.test").click()
    await expect(heading(admin)).to_contain_text(NAME)
    await admin.get_by_role("button", name="Add a role").click()
    await dialog(admin).get_by_label("Role").select_option("Teacher")
    school = (await server.get(ADMIN, "/api/schools/s1"))["name"]
    await dialog(admin).get_by_label("School").select_option(school)
    await dialog(admin).get_by_label("Class").select_option("class:s1-c2")
    await dialog(admin).get_by_role("button", name="Add").click()
    await expect(admin.locator(".entries li")).to_have_count(1)

    own = await (await browser.new_context(base_url=server.url)).new_page()
    own.set_default_timeout(LIMIT)
    await own.goto("/profile")
    await sign_in(own, "zed@s1.demo.test", password)
    await expect(own.locator("dd", has_text="Teacher")).to_be_visible()
    assert await places(own) == ["Register"]

    await admin.get_by_role("button", name="Disable").click()
    await dialog(admin).get_by_role("button", name="Cancel").click()
    await admin.get_by_role("button", name="Disable").click()
    await dialog(admin).get_by_role("button", name="Disable").click()
    await expect(heading(admin)).to_contain_text("Disabled")
    await expect(own.get_by_role("button", name="Sign in")).to_be_visible()

    await admin.get_by_role("button", name="Enable").click()
    await dialog(admin).get_by_role("button", name="Enable").click()
    await sign_in(own, "zed@s1.demo.test", password)
    await expect(own.get_by_role("navigation").get_by_role("link", name="Register")).to_be_visible()


async def test_what_is_refused_is_said_at_its_field_and_nothing_that_was_typed_is_lost(
    browser: Browser, server: Server
) -> None:
    page = await admin_page(browser, server, "view=users")
    await page.get_by_role("button", name="New user").click()
    email = dialog(page).get_by_label("E-mail address")
    await dialog(page).get_by_label("Name").fill("Somebody")
    await email.fill(TEACHER)
    await dialog(page).get_by_role("button", name="Create").click()
    await expect(email).to_have_attribute("aria-invalid", "true")
    await expect(email).to_have_accessible_description("is taken")
    await expect(email).to_be_focused()
    await expect(dialog(page).get_by_label("Name")).to_have_value("Somebody")
    await expect(email).to_have_value(TEACHER)

    await email.fill("somebody@s1.demo.test")
    await dialog(page).get_by_role("button", name="Create").click()
    await expect(dialog(page).get_by_label("First password")).to_be_visible()


async def test_a_role_is_taken_only_after_a_question(browser: Browser, server: Server) -> None:
    page = await admin_page(browser, server, "view=user&id=u-s1-teacher1")
    await page.get_by_role("button", name="Remove: Teacher").click()
    await expect(dialog(page)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog(page)).to_have_count(0)
    await expect(page.get_by_role("button", name="Remove: Teacher")).to_be_focused()
    await page.get_by_role("button", name="Remove: Teacher").click()
    await dialog(page).get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("main").get_by_text("No roles")).to_be_visible()


async def test_a_school_with_a_class_and_students(browser: Browser, server: Server) -> None:
    page = await admin_page(browser, server, "view=schools")
    await page.get_by_role("button", name="New school").click()
    await dialog(page).get_by_label("Name").first.fill("Nordschule")
    await dialog(page).get_by_label("Time zone").select_option("Europe/Berlin")
    start = dialog(page).get_by_label("Begins").first
    await start.fill("09:30")
    await dialog(page).get_by_role("button", name="Create").click()
    end = dialog(page).get_by_label("Ends").first
    await expect(end).to_have_accessible_description("must be after the start")
    await end.fill("10:00")
    await dialog(page).get_by_role("button", name="Create").click()
    await page.get_by_role("link", name="Nordschule").click()
    await expect(heading(page)).to_contain_text("Nordschule")

    for name in ("1a", "1b"):
        await page.get_by_role("button", name="New class").click()
        await dialog(page).get_by_label("Name").fill(name)
        await dialog(page).get_by_role("button", name="Create").click()
        await expect(page.get_by_role("link", name=name)).to_be_visible()
    await page.get_by_role("link", name="1a").click()
    await page.get_by_role("button", name="New student").click()
    await dialog(page).get_by_label("Given name").fill("Mia")
    await dialog(page).get_by_label("Family name").fill("Ålund")
    await dialog(page).get_by_label("First day").fill("2024-09-02")
    await dialog(page).get_by_role("button", name="Create").click()
    student = page.get_by_role("listitem").filter(has_text="Ålund, Mia")
    await student.get_by_text("Ålund, Mia").click()

    await student.get_by_role("button", name="Move").click()
    await dialog(page).get_by_label("New class").select_option("1b")
    await dialog(page).get_by_role("button", name="Move").click()
    await expect(page.get_by_text("Former students (1)")).to_be_visible()
    await page.get_by_role("link", name="Nordschule").click()
    await page.get_by_role("link", name="1b").click()
    await expect(student).to_be_visible()

    await page.get_by_role("button", name="Archive: 1b").click()
    await dialog(page).get_by_role("button", name="Archive").click()
    await expect(heading(page)).to_contain_text("Archived")
    await expect(page.get_by_role("button", name="New student")).to_have_count(0)


async def test_an_administrator_of_a_school_sees_that_school_alone(browser: Browser, server: Server) -> None:
    page = await admin_page(browser, server, "view=schools", HEAD)
    sections = page.get_by_role("main").get_by_role("navigation").get_by_role("link")
    assert await sections.all_inner_texts() == ["Users", "Schools", "Audit trail"]
    await expect(page.locator(".entries li")).to_have_count(1)
    await expect(page.get_by_role("button", name="New school")).to_have_count(0)
    await page.locator(".entries a").click()
    await expect(page.get_by_role("button", name="New class")).to_be_visible()
    await expect(page.get_by_role("button", name="Archive")).to_have_count(0)

    await page.goto("/admin?view=users")
    await expect(page.locator(".entries li").filter(has_text="@s1.demo.test").first).to_be_visible()
    await expect(page.locator(".entries li").filter(has_text="@s2.demo.test")).to_have_count(0)
    await page.get_by_role("button", name="New user").click()
    roles = await dialog(page).get_by_label("Role").locator("option").all_inner_texts()
    assert roles == ["Choose …", "School administrator", "School office", "Viewer", "Teacher"]

    await page.goto("/admin?view=school&id=s2")
    await expect(page.get_by_role("main").get_by_text("No access")).to_be_visible()
    await page.goto("/admin?view=teams")
    await expect(page.get_by_text("There is no such page.")).to_be_visible()


async def test_the_list_of_schools_is_live(browser: Browser, server: Server) -> None:
    page = await admin_page(browser, server, "view=schools")
    await expect(page.locator(".entries li")).to_have_count(2)
    await server.act(ADMIN, "school.update", school_id="s2", set={"name": "Renamed elsewhere"})
    await expect(page.get_by_role("link", name="Renamed elsewhere")).to_be_visible()


async def test_the_audit_trail_tells_the_history_of_a_mark(browser: Browser, server: Server) -> None:
    mark = {"class_id": "s1-c1", "date": today(), "period": "1", "student_id": "s1-c1-p1"}
    other = {**mark, "student_id": "s1-c1-p2"}
    await server.act(TEACHER, "attendance.mark", **mark, code="A")
    await server.act(TEACHER, "attendance.mark", **other, code="P")
    await server.act(HEAD, "attendance.mark", **mark, code="L", minutes_late=5)
    names = {
        who: (await server.get(email, "/api/users/me"))["name"]
        for who, email in (("head", HEAD), ("teacher", TEACHER))
    }

    page = await admin_page(browser, server, "view=audit&room=school:s1")
    await page.get_by_label("What", exact=True).select_option("Marked")
    await page.get_by_role("button", name="Search").click()
    rows = page.locator("tbody").get_by_role("row")
    await expect(rows).to_have_count(3)
    await page.get_by_label("Who", exact=True).select_option(names["teacher"])
    await page.get_by_role("button", name="Search").click()
    await expect(rows).to_have_count(2)
    await page.get_by_label("Who", exact=True).select_option("Anybody")
    await page.get_by_label("From", exact=True).fill("2020-01-01")
    await page.get_by_label("Until", exact=True).fill("2020-02-01")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text("Entries shown: 0")).to_be_visible()
    await page.get_by_label("From", exact=True).fill("")
    await page.get_by_label("Until", exact=True).fill("")
    await page.get_by_label("Class", exact=True).select_option("s1-c1")
    await page.get_by_label("Student", exact=True).select_option("s1-c1-p1")
    await page.get_by_role("button", name="Search").click()
    await expect(rows).to_have_count(2)

    await rows.first.get_by_role("button", name="Its whole history").click()
    await expect(page.get_by_text("Only the history of")).to_be_visible()
    await expect(rows).to_have_count(2)
    newest = rows.first
    await expect(newest).to_contain_text(names["head"])
    await expect(newest.get_by_role("listitem").filter(has_text="Code")).to_contain_text("A → L")
    await expect(newest.get_by_role("listitem").filter(has_text="Minutes late")).to_contain_text("– → 5")
    await expect(rows.last).to_contain_text(names["teacher"])


async def test_the_audit_trail_says_whose_absence_was_cancelled(browser: Browser, server: Server) -> None:
    await server.act(ADMIN, "school.update", school_id="s1", set={"days": [1, 2, 3, 4, 5, 6, 7]})
    absence = {"student_ids": ["s1-c1-p1"], "from": today(), "to": today()}
    await server.act(HEAD, "attendance.plan", **absence, reason="Dentist")
    await server.act(HEAD, "attendance.unplan", **absence)
    student = (await server.get(HEAD, "/api/students/s1-c1-p1"))["student"]
    page = await admin_page(browser, server, "view=audit&room=school:s1&type=attendance.unplan")
    cell = page.get_by_role("row").filter(has_text="Cancelled an absence").get_by_role("cell").nth(2)
    await expect(cell).to_contain_text(f"{student['family_name']}, {student['given_name']} · ")
    history = cell.get_by_role("button", name="Its whole history")
    await expect(history).to_have_accessible_name(re.compile(student["family_name"]))


async def test_name_language_and_theme_come_along_to_another_device(browser: Browser, server: Server) -> None:
    page = await visit(browser, server, TEACHER, "/profile")
    await page.get_by_role("textbox", name="Name").fill(NAME)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("main").get_by_text("Saved.")).to_be_visible()
    await expect(page.get_by_role("banner").get_by_role("link", name=NAME)).to_be_visible()
    async with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        await page.get_by_label("Appearance").select_option("dark")
    async with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        await page.get_by_label("Language").select_option("ar")
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")

    other = await visit(browser, server, TEACHER, "/profile")
    await expect(other.locator("html")).to_have_attribute("dir", "rtl")
    await expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(other.locator("input[name=name]")).to_have_value(NAME)


@pytest.mark.parametrize(
    ("email", "offered"),
    [
        (ADMIN, ["All schools", "Tasks", "Administration"]),
        (HEAD, ["School", "Administration"]),
        ("office@s1.demo.test", ["School", "Administration"]),
        ("viewer@s1.demo.test", ["School"]),
        (TEACHER, ["Register"]),
        ("lead@t1.demo.test", ["Tasks", "Administration"]),
        ("member1@t1.demo.test", ["Tasks"]),
    ],
)
async def test_the_navigation_offers_what_the_roles_open(
    browser: Browser, server: Server, email: str, offered: list[str]
) -> None:
    page = await visit(browser, server, email, "/profile")
    await expect(page.get_by_role("banner").get_by_text("Live")).to_be_visible()
    assert await places(page) == offered
    await expect(page.get_by_role("banner").locator("[aria-current=page]")).to_have_attribute(
        "href", "/profile"
    )


async def test_on_a_phone_the_navigation_is_behind_a_button(browser: Browser, server: Server) -> None:
    page = await visit(browser, server, ADMIN, "/profile", **PHONE)
    menu = page.get_by_role("button", name="Menu")
    await expect(menu).to_have_attribute("aria-expanded", "false")
    await expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    await menu.click()
    await page.get_by_role("link", name="Administration").click()
    await expect(heading(page)).to_be_visible()
    await expect(menu).to_have_attribute("aria-expanded", "false")
    await menu.click()
    link = page.get_by_role("banner").get_by_role("link", name="Administration")
    await expect(link).to_have_attribute("aria-current", "page")


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark", **PHONE}])
async def test_nothing_bars_anybody(browser: Browser, server: Server, options: dict[str, Any]) -> None:
    await server.act(TEACHER, "attendance.take", class_id="s1-c1", date=today(), period="1")
    page = await admin_page(browser, server, "view=users", bypass_csp=True, **options)
    await expect(page.locator(".entries li").first).to_be_visible()
    assert await barriers(page) == []
    await page.get_by_role("button", name="New user").click()
    assert await barriers(page) == []
    for query, shown in (
        ("view=user&id=u-s1-teacher1", ".entries li"),
        ("view=school&id=s1", ".entries li"),
        ("view=class&id=s1-c1", ".entries summary"),
        ("view=team&id=t1", ".entries li"),
        ("view=audit&room=school:s1", ".differences"),
    ):
        await page.goto(f"/admin?{query}")
        await expect(page.locator(shown).first).to_be_visible()
        assert await barriers(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto("/profile")
    await expect(page.get_by_role("textbox", name="Name")).to_be_visible()
    assert await barriers(page) == []
