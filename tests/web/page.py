"""What tests of pages do besides looking: acting at the server, signing in, finding what bars somebody."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, BrowserContext, Page

from tests.parts.serve import Rollcall

PASSWORD = "rollcall-demo"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LIMIT = 20_000.0  # milliseconds until a page shows something


def today() -> str:
    """In the demo schools, which use UTC."""
    return str(datetime.now(UTC).date())


class Server:
    """A server with the demo, and its people as they act by HTTP."""

    def __init__(self, process: Rollcall) -> None:
        self.process = process
        self.url = process.url
        self._tokens: dict[str, str] = {}

    async def act(self, email: str, action: str, **payload: object) -> dict[str, Any]:
        """One action of somebody, accepted; gives the ack."""
        body = {"type": action, "payload": payload, "op_id": str(uuid.uuid4())}
        headers = {"Authorization": f"Bearer {await self._token(email)}"}
        url = f"{self.url}/api/actions"
        async with aiohttp.request("POST", url, json=body, headers=headers) as answer:
            ack: dict[str, Any] = await answer.json()
        assert ack["ok"], ack
        return ack

    async def get(self, email: str, path: str) -> Any:
        """What somebody is answered."""
        headers = {"Authorization": f"Bearer {await self._token(email)}"}
        async with aiohttp.request("GET", self.url + path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def _token(self, email: str) -> str:
        if email not in self._tokens:
            account = {"email": email, "password": PASSWORD}
            url = f"{self.url}/api/users/authenticate"
            async with aiohttp.request("POST", url, json=account) as answer:
                self._tokens[email] = (await answer.json())["access_token"]
        return self._tokens[email]


async def visit(
    browser: Browser, server: Server, email: str, path: str, at: str | None = None, **options: Any
) -> Page:
    """A browser of somebody's own, who signs in and comes to a page. `at`: the moment at which its clock
    stands still. `options`: of the Playwright context.
    """
    context: BrowserContext = await browser.new_context(base_url=server.url, **options)
    page = await context.new_page()
    page.set_default_timeout(LIMIT)
    if at is not None:
        await page.clock.set_fixed_time(at)
    await page.goto(path)
    await page.get_by_role("textbox", name="E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    return page


async def barriers(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA; the page's context needs `bypass_csp`."""
    await page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = await page.evaluate("(tags) => axe.run({ runOnly: tags })", tags)
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
