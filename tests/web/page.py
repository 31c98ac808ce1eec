"""What tests of pages do besides looking: acting at the server, signing in, finding what bars somebody."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
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
    """A server with the demo, and its people as they act by HTTP. `ahead`: the file that sets its clock."""

    def __init__(self, process: Rollcall, ahead: Path) -> None:
        self.process = process
        self.url = process.url
        self._file = ahead
        self._ahead = timedelta(0)
        self._tokens: dict[str, tuple[str, float]] = {}

    def set_clock(self, ahead: timedelta) -> None:
        """The server's clock is so much ahead of this machine's from now on."""
        self._ahead = ahead
        # Never half of the number: it is read all the time.
        new = self._file.with_suffix(".new")
        new.write_text(str(ahead.total_seconds()))
        new.replace(self._file)
        # To a clock that was set back tokens are from the future.
        self._tokens.clear()

    def now(self) -> datetime:
        """By the server's clock."""
        return datetime.now(UTC) + self._ahead

    async def act(self, email: str, action: str, **payload: object) -> dict[str, Any]:
        """One action of somebody, accepted; gives the ack."""
        body = {"type": action, "payload": payload, "op_id": str(uuid.uuid4())}
        headers = {"Authorization": f"Bearer {await self._token(email)}"}
        url = f"{self.url}/api/actions"
        async with aiohttp.request("POST", url, json=body, headers=headers) as answer:
            ack: dict[str, Any] = await answer.json()
        assert ack["ok"], ack
        return ack

    async def act_all(self, email: str, actions: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        """Actions of somebody, at most 500, by type and payload; all accepted."""
        bodies = [
            {"type": action, "payload": payload, "op_id": str(uuid.uuid4())} for action, payload in actions
        ]
        headers = {"Authorization": f"Bearer {await self._token(email)}"}
        url = f"{self.url}/api/actions/batch"
        async with aiohttp.request("POST", url, json={"actions": bodies}, headers=headers) as answer:
            acks = await answer.json()
        assert [ack for ack in acks["results"] if not ack["ok"]] == []

    async def get(self, email: str, path: str) -> Any:
        """What somebody is answered."""
        headers = {"Authorization": f"Bearer {await self._token(email)}"}
        async with aiohttp.request("GET", self.url + path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, email: str, path: str) -> None:
        """An empty request of somebody, accepted."""
        headers = {"Authorization": f"Bearer {await self._token(email)}"}
        async with aiohttp.request("POST", self.url + path, json={}, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def name_of(self, email: str) -> str:
        """What somebody is called."""
        return str((await self.get(email, "/api/users/me"))["name"])

    async def _token(self, email: str) -> str:
        token, good_until = self._tokens.get(email, ("", 0.0))
        if monotonic() >= good_until:
            account = {"email": email, "password": PASSWORD}
            url = f"{self.url}/api/users/authenticate"
            async with aiohttp.request("POST", url, json=account) as answer:
                grant = await answer.json()
            token = grant["access_token"]
            self._tokens[email] = token, monotonic() + grant["expires_in"] / 2
        return token


async def visit(
    browser: Browser, server: Server, email: str, path: str, at: str | None = None, **options: Any
) -> Page:
    """A browser of somebody's own, who signs in and comes to a page. `at`: the moment that it is on the
    server's clock, and at which the browser's stands still. `options`: of the Playwright context.
    """
    context: BrowserContext = await browser.new_context(base_url=server.url, **options)
    page = await context.new_page()
    page.set_default_timeout(LIMIT)
    if at is not None:
        server.set_clock(datetime.fromisoformat(at) - datetime.now(UTC))
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
