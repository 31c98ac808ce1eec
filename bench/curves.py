"""How the fan-out holds when there are more members in a room, and more rooms: deliveries per second with
writers flooding, and latency at half of that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.fanout_servers import LIMIT, PEERS, ROLLCALL, FanoutServer, Servers
from bench.generator import Load, writers_for
from bench.population import team_topic
from bench.push import SETTLE
from bench.quiet import Kept, in_turns
from bench.svg import Curve, Point, picture
from bench.table import table

NAMES = (ROLLCALL, *PEERS, LIMIT)

MEMBERS = (10, 100, 1_000, 5_000)
"""Of one room."""

ROOMS = (1, 10, 100)
MEMBERS_EACH = 50
"""Of each of several rooms."""

FIRST_OF_MANY = 101
"""The number of the first of several rooms; those before it are the rooms of `MEMBERS`."""

HALF = 0.5

BY_MEMBERS, BY_ROOMS = "members", "rooms"

Key = tuple[str, int, str]
"""What grows, how far it has grown, and the server."""


@dataclass(frozen=True, slots=True)
class Round:
    """Writers flooding, and the pace of half of it."""

    flood: Load
    half: Load


Results = dict[Key, Kept[Round]]


@dataclass(frozen=True, slots=True)
class Places:
    """The rooms of all points; each has its first member (a number among all) and how many there are.

    Members of one room are members of others too, which costs nothing while nobody writes there.
    """

    members: Sequence[int] = MEMBERS
    rooms: Sequence[int] = ROOMS
    members_each: int = MEMBERS_EACH

    @property
    def teams(self) -> dict[int, tuple[int, int]]:
        """First member and number of members by the number of the team."""
        found = {number: (0, count) for number, count in enumerate(self.members, 1)}
        for place in range(max(self.rooms, default=0)):
            found[FIRST_OF_MANY + place] = (place * self.members_each, self.members_each)
        return found

    @property
    def connections(self) -> int:
        """How many members there are together."""
        return max((first + count for first, count in self.teams.values()), default=0)

    def points(self) -> dict[tuple[str, int], list[int]]:
        """The teams that are written to at each point."""
        points = {(BY_MEMBERS, count): [number] for number, count in enumerate(self.members, 1)}
        for count in self.rooms:
            points[BY_ROOMS, count] = list(range(FIRST_OF_MANY, FIRST_OF_MANY + count))
        return points


async def measure(
    folder: Path,
    *,
    names: Sequence[str] = NAMES,
    places: Places,
    rounds: int,
    warm_up: float,
    seconds: float,
    noisy: bool,
) -> Results:
    """All servers with all members side by side, measured in turns, point after point."""
    async with AsyncExitStack() as stack:
        started = Servers(folder, teams=list(places.teams))
        running = []
        for name in names:
            server = await stack.enter_async_context(started.start(name))
            await _fill(server, places)
            running.append(server)
        for server in running:
            await server.clients.idle(SETTLE)
        works: dict[Key, Callable[[], Awaitable[Round]]] = {
            (*point, server.name): partial(_round, server, places, teams, warm_up, seconds)
            for point, teams in places.points().items()
            for server in running
        }
        return await in_turns(works, rounds=rounds, noisy=noisy)


async def _fill(server: FanoutServer, places: Places) -> None:
    """Connect writers and members, and let the members into their rooms."""
    writers = writers_for(max(places.rooms, default=0))
    await server.clients.connect(writers + places.connections)
    for team, (first, count) in places.teams.items():
        await server.clients.subscribe(writers + first, count, team_topic(team))


async def _round(
    server: FanoutServer, places: Places, teams: Sequence[int], warm_up: float, seconds: float
) -> Round:
    sizes = {team: places.teams[team][1] for team in teams}
    server.clients.write_to([(team_topic(team), size) for team, size in sizes.items()])
    flood = await server.clients.flood(warm_up, seconds)
    average = sum(sizes.values()) / len(sizes)
    # A server that had nothing to show yet gets one update a second.
    pace = max(HALF * flood.rate, average)
    half = await server.clients.paced(pace, warm_up, seconds, members=average)
    return Round(flood, half)


def report(results: Results) -> str:
    """The results as two Markdown tables."""
    heading = (
        "server", "deliveries/s, flooded", "at half of it, p50 ms", "p99 ms", "generator's core", "rounds",
    )  # fmt: skip
    parts = []
    for growing in (BY_MEMBERS, BY_ROOMS):
        rows = [
            (
                f"{size:,}",
                name,
                kept.spread(lambda r: r.flood.rate),
                kept.spread(lambda r: r.half.p50_ms, 1),
                kept.spread(lambda r: r.half.p99_ms, 1),
                kept.spread(lambda r: 100 * r.flood.generator_share) + " %",
                kept.rounds,
            )
            for (what, size, name), kept in results.items()
            if what == growing
        ]
        if rows:
            parts.append(table((growing, *heading), rows))
    return "\n\n".join(parts)


def pictures(results: Results, members_each: int = MEMBERS_EACH) -> dict[str, str]:
    """The pictures by their file names. A curve leaves out the points at which no round was quiet."""
    values: Mapping[str, tuple[str, Callable[[Round], float]]] = {
        "deliveries": ("Deliveries per second, writers flooding", lambda r: r.flood.rate),
        "p99": ("Send to receipt at half of the flood, p99 ms", lambda r: max(r.half.p99_ms, 0.001)),
    }
    across = {BY_MEMBERS: "members of one room", BY_ROOMS: f"rooms of {members_each} members"}
    found = {}
    for growing, label in across.items():
        for value_name, (title, value) in values.items():
            curves = _curves(results, growing, value)
            if any(curve.points for curve in curves):
                name = f"fanout-{growing}-{value_name}.svg"
                found[name] = picture(title, label, "one core, logarithmic", curves)
    return found


def _curves(results: Results, growing: str, value: Callable[[Round], float]) -> list[Curve]:
    names = dict.fromkeys(name for what, _, name in results if what == growing)
    curves = []
    for name in names:
        points = []
        for (what, size, of), kept in results.items():
            middle = kept.median(value)
            if (what, of) == (growing, name) and middle is not None:
                ordered = sorted(value(one) for one in kept.results)
                points.append(Point(size, ordered[0], middle, ordered[-1]))
        curves.append(Curve(name, points))
    return curves
