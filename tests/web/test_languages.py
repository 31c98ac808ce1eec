"""Codes and refusals in the language of the pages."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from models.codes import CODE_SETS
from tests.client.programs import ROOT
from tests.web.conftest import Start
from tests.web.page import Server, today, visit
from tests.web.register import DESK, OFFICE, TEACHER, about, entry, open_sheet

SOURCE = ROOT / "web" / "app" / "src" / "messages" / "codes.ts"
STUDENTS = 30


@pytest.fixture
async def server(start: Start) -> Server:
    return await start(schools=1, classes=2, students=STUDENTS)


async def speak(page: Page, language: str) -> None:
    """Shows the page again in a language."""
    await page.evaluate("(code) => localStorage.setItem('rollcall.language', code)", language)
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", language)


def test_every_code_of_every_set_has_to_have_a_label_in_every_language() -> None:
    text = SOURCE.read_text().partition("export const CODES")[2].partition("} as const;\n\n")[0]
    sets = dict(re.findall(r"^  (\w+): \[(.*?)\],$", text, re.MULTILINE | re.DOTALL))
    found = {
        name: [code.replace("\\\\", "\\") for code in re.findall(r'"([^"]+)"', part)]
        for name, part in sets.items()
    }
    assert found == {name: list(codes.codes) for name, codes in CODE_SETS.items()}


async def test_codes_are_labelled_in_the_language_of_the_page(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **DESK)
    for language, label in (("de", "Anwesend"), ("ar", "حاضر"), ("en", "Present")):
        await speak(page, language)
        await expect(entry(page, 0).get_by_role("button", name=label, exact=True)).to_be_visible()


async def test_a_refusal_is_told_in_the_language_of_the_page(browser: Browser, server: Server) -> None:
    page = await open_sheet(browser, server, **DESK)
    await speak(page, "de")
    await expect(page.get_by_role("banner").get_by_text("Aktuell")).to_be_visible()
    await page.context.set_offline(True)
    await entry(page, 0).get_by_role("button", name="Anwesend").click()
    await server.act(OFFICE, "attendance.take", **about())
    await page.context.set_offline(False)
    refused = entry(page, 0).get_by_role("alert")
    await expect(refused).to_contain_text("Nicht gespeichert: Anwesend")
    await expect(refused).to_contain_text("nur das Sekretariat kann sie ändern")
    await expect(refused).not_to_contain_text("office")


async def test_a_school_of_england_is_shown_in_the_language_of_the_page(
    browser: Browser, server: Server
) -> None:
    await server.act("admin@demo.test", "school.update", school_id="s1", set={"code_set": "england"})
    await server.act(TEACHER, "attendance.mark", **about(1), code="N")
    page = await visit(
        browser, server, OFFICE, "/sign-in?to=/schools/s1?class=s1-c1", at=f"{today()}T09:10:00Z"
    )
    marked = page.locator("[data-student=s1-c1-p1]")
    await expect(marked).to_contain_text("No reason yet")
    await speak(page, "de")
    await expect(marked).to_contain_text("Noch kein Grund bekannt")


async def test_a_wrong_password_is_told_in_the_language_of_the_page(browser: Browser, server: Server) -> None:
    page = await (await browser.new_context(base_url=server.url, locale="de-DE")).new_page()
    await page.goto("/sign-in")
    await page.get_by_role("textbox", name="E-Mail").fill(TEACHER)
    await page.get_by_label("Passwort").fill("not the password")
    await page.get_by_role("button", name="Anmelden").click()
    await expect(page.get_by_role("alert")).to_have_text("Die E-Mail-Adresse oder das Passwort ist falsch.")
