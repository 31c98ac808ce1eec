"""What people see of the pages, and how soon: Chromium against one server on SQLite.

A mark is timed from the moment when the finger leaves the screen until the frame in which its row has changed
is out: on the same page, and on that of somebody else in another browser. Then the monitor of a district is
looked at while every school moves: how long it takes from one frame to the next.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

from playwright.async_api import Browser, Page, Playwright, async_playwright

from app.demo.passwords import DEMO_PASSWORD
from app.http.pages import FOLDER, INDEX
from bench.cores import cpu_seconds_below, generator_core, pin
from bench.generator import LoadFailed
from bench.movement import ADMIN, Movement, movement_of
from bench.quiet import Kept, in_turns
from bench.servers import Server, Size, load_demo, served
from bench.table import percentile, table
from tests.parts.browser import NAMES, OPTIONS

SCHOOLS = 500
PACE = 200
"""Marks per second in all schools together; each moves its school's summary."""

MARKS = 30
"""In each round, one after the other."""

STUDENTS = 10
"""Of the one class of each school."""

TEACHER = "teacher1@s1.demo.test"
OFFICE = "office@s1.demo.test"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}

BROWSER = b"--type="
"""In the command line of each process that a browser starts."""

LIMIT = 60_000.0
"""Milliseconds until a page shows what it is to show."""

SETTLE = 1.0
"""Seconds of movement before the frames are looked at, and after."""

ECHO, OTHER = "on the own screen", "in a second browser"
REST, MOVING, SORTED = "at rest", "moving", "moving, sorted by attendance"
COLUMNS = {REST: "missing", MOVING: "missing", SORTED: "rate"}
"""By which the rows are sorted; marks change no number of missing registers."""

NAME = "Rollcall, SQLite"

WATCH = """() => {
  const now = () => performance.timeOrigin + performance.now();
  addEventListener("pointerup", (event) => (window.tapped = performance.timeOrigin + event.timeStamp), true);
  // The time after the frame that shows another code in the row than the one before.
  window.watch = (student) => {
    const row = document.querySelector(`[data-student="${student}"]`);
    const code = () => row.querySelector('.code[aria-pressed="true"]')?.textContent ?? "";
    const before = code();
    window.shown = new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        if (code() === before) return;
        observer.disconnect();
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => resolve(now());
          port2.postMessage(null);
        });
      });
      observer.observe(row, { subtree: true, childList: true, characterData: true, attributes: true });
    });
  };
}"""

FRAMES = """(seconds) => new Promise((resolve) => {
  const [times, long] = [[], []];
  const observer = new PerformanceObserver((list) => {
    long.push(...list.getEntries().map(({ duration }) => duration));
  });
  observer.observe({ type: "longtask" });
  const frame = (time) => {
    times.push(time);
    if (time - times[0] < seconds * 1000) {
      requestAnimationFrame(frame);
      return;
    }
    observer.disconnect();
    resolve([times, long]);
  };
  requestAnimationFrame(frame);
})"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Milliseconds from taps to the frames that show their marks, on the own page and on the other one."""

    own: list[float]
    other: list[float]


@dataclass(frozen=True, slots=True)
class Frames:
    """In so many seconds: the milliseconds between frames, and those of tasks that took more than 50.
    `updates`: how many a second there were for the page; `cores`: what the browser has used, of one core.
    """

    intervals: list[float]
    long: list[float]
    seconds: float
    updates: float
    cores: float

    @property
    def rate(self) -> float:
        """Frames per second."""
        return len(self.intervals) / self.seconds

    def over(self, limit: float) -> float:
        """The share of intervals, 0 to 1, that were longer than so many milliseconds."""
        return mean(interval > limit for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class Results:
    """Of all rounds."""

    seen: Kept[Seen]
    frames: dict[str, Kept[Frames]]
    schools: int


async def measure(
    folder: Path, *, schools: int, pace: int, marks: int, rounds: int, seconds: float, noisy: bool
) -> Results:
    """One server; a teacher's phone and an office in a browser each; a district's monitor in the second one.

    LoadFailed without Chromium or without the pages, and where a mark was refused.
    """
    if not (FOLDER / INDEX).is_file():
        raise LoadFailed("there are no pages: run scripts/build-web")
    size = Size(schools, classes=1, students=STUDENTS)
    database_url = f"sqlite:///{folder}/rollcall.db"
    await load_demo(database_url, size)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(served(NAME, database_url))
        playwright = await stack.enter_async_context(async_playwright())
        # Browsers may use both cores, as they keep the affinity that they start with.
        phone, desk = [await stack.enter_async_context(_browser(playwright)) for _ in range(2)]
        pin(os.getpid(), generator_core())
        teacher = await _register(phone, server, TEACHER, **PHONE)
        office = await _register(desk, server, OFFICE, **DESK)
        places = itertools.cycle(range(STUDENTS))
        seen = await in_turns(
            {ECHO: partial(_marks, teacher, office, places, marks)}, rounds=rounds, noisy=noisy
        )
        await phone.close()
        await office.context.close()
        monitor = await _monitor(desk, server, schools)
        movement = await stack.enter_async_context(movement_of(server, size))
        works = {
            name: partial(_frames, monitor, movement, column, 0 if name == REST else pace, seconds)
            for name, column in COLUMNS.items()
        }
        frames = await in_turns(works, rounds=rounds, noisy=noisy)
    return Results(seen[ECHO], frames, schools)


@asynccontextmanager
async def _browser(playwright: Playwright) -> AsyncIterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise LoadFailed("there is no Chromium: install it (Debian: apt-get install chromium)")
    browser = await playwright.chromium.launch(executable_path=found, args=list(OPTIONS))
    try:
        yield browser
    finally:
        await browser.close()


async def _visit(browser: Browser, server: Server, email: str, path: str, **options: Any) -> Page:
    context = await browser.new_context(base_url=server.url, locale="en-GB", **options)
    page = await context.new_page()
    page.set_default_timeout(LIMIT)
    await page.goto(f"/sign-in?to={path}")
    await page.get_by_role("textbox", name="E-mail address").fill(email)
    await page.get_by_label("Password").fill(DEMO_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    return page


# -- marks


async def _register(browser: Browser, server: Server, email: str, **options: Any) -> Page:
    """The register of the first school's class, live."""
    today = datetime.now(UTC).date()
    page = await _visit(browser, server, email, f"/register/s1-c1/{today}/1", **options)
    await page.get_by_role("banner").get_by_text("Live").wait_for()
    await page.locator("[data-student]").nth(STUDENTS - 1).wait_for()
    await page.evaluate(WATCH)
    return page


async def _marks(own: Page, other: Page, places: Iterator[int], marks: int) -> Seen:
    """One tap after the other, each once the last one's mark is on both screens."""
    seen = Seen([], [])
    for place in itertools.islice(places, marks):
        row = own.locator("[data-student]").nth(place)
        student = await row.get_attribute("data-student")
        for page in (own, other):
            await page.evaluate("(student) => watch(student)", student)
        await row.locator("button.code").tap()
        tapped = await own.evaluate("window.tapped")
        for page, times in ((own, seen.own), (other, seen.other)):
            times.append(await page.evaluate("window.shown") - tapped)
    return seen


# -- the monitor


async def _monitor(browser: Browser, server: Server, schools: int) -> Page:
    """The district's page, once it knows all that its rows show."""
    page = await _visit(browser, server, ADMIN, "/district", **DESK)
    await page.locator(f".rows > .row:nth-child({schools})").wait_for()
    await page.locator("main").get_by_role("status").get_by_text("Live").wait_for()
    await page.locator(".totals").filter(has_not_text="…").wait_for()
    return page


async def _frames(page: Page, movement: Movement, column: str, pace: int, seconds: float) -> Frames:
    """The page's frames, sorted by a column, while there are so many marks a second."""
    load = movement.load
    if await page.locator(f".head .{column}").get_attribute("aria-sort") == "none":
        await page.locator(f".head .{column} button").click()
    # Rows do not change places under a pointer.
    await page.mouse.move(0, 0)
    going = asyncio.create_task(movement.go_on(pace, seconds + 2 * SETTLE))
    await asyncio.sleep(SETTLE)
    before, used, begin = movement.updates, cpu_seconds_below(os.getpid(), BROWSER), perf_counter()
    times, long = await page.evaluate(FRAMES, seconds)
    passed = perf_counter() - begin
    updates, used = movement.updates - before, cpu_seconds_below(os.getpid(), BROWSER) - used
    await going
    await load.drained(0)
    if load.refused:
        raise LoadFailed(f"{len(load.refused)} marks were refused: {load.refused[0]}")
    intervals = [later - earlier for earlier, later in itertools.pairwise(times)]
    return Frames(intervals, long, sum(intervals) / 1000, updates / passed, used / passed)


def report(results: Results) -> str:
    """The results as two Markdown tables."""
    seen = results.seen
    rows = [
        _seen_row(ECHO, seen, lambda one: one.own),
        _seen_row(OTHER, seen, lambda one: one.other),
    ]
    frames_heading = (
        f"a district of {results.schools} schools", "updates/s", "frames/s", "between frames, p50 ms",
        "p95 ms", "over 20 ms", "over 33 ms", "tasks over 50 ms, in a second", "browser's cores", "rounds",
    )  # fmt: skip
    frames_rows = [
        (
            name,
            kept.spread(lambda one: one.updates),
            kept.spread(lambda one: one.rate, 1),
            kept.spread(lambda one: median(one.intervals), 1),
            kept.spread(lambda one: percentile(one.intervals, 0.95), 1),
            f"{kept.spread(lambda one: 100 * one.over(20), 1)} %",
            f"{kept.spread(lambda one: 100 * one.over(33.4), 1)} %",
            f"{kept.spread(lambda one: sum(one.long) / one.seconds)} ms",
            f"{kept.spread(lambda one: 100 * one.cores)} %",
            kept.rounds,
        )
        for name, kept in results.frames.items()
    ]
    heading = ("a mark is seen", "p50 ms", "p95 ms", "rounds")
    return f"{table(heading, rows)}\n\n{table(frames_heading, frames_rows)}"


def _seen_row(where: str, seen: Kept[Seen], times: Callable[[Seen], list[float]]) -> tuple[str, ...]:
    p50 = seen.spread(lambda one: percentile(times(one), 0.5), 1)
    p95 = seen.spread(lambda one: percentile(times(one), 0.95), 1)
    return where, p50, p95, seen.rounds
