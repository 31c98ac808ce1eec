"""Several nodes of one system: what an update costs that another node took in, and rooms that several nodes
write to.

All nodes share the server's core; the load generator, Redis and the MongoDB share the other. So deliveries
per second cannot grow with the nodes here. What means something is the processor time of a delivery: it says
what nodes with a core each would do. Node 1 takes the updates in, the others only hear of them ("receiving").
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from statistics import median

from bench.crowd import Crowd, Round, crowd
from bench.fanout_servers import NODE, PYTHON, ROLLCALL
from bench.generator import WRITERS, Load, LoadFailed
from bench.node_servers import Nodes, NodeServers
from bench.population import team_topic
from bench.quiet import Kept, in_turns
from bench.servers import Server, Size, mongodb
from bench.svg import Curve, Point, picture
from bench.table import percentile, table

NAMES = (ROLLCALL, NODE, PYTHON)

COUNTS = (1, 2, 3)
MEMBERS = 500
"""Of one topic, on each node."""

ROOMS = Size(schools=10, classes=6)
"""10 rooms with 6 writers each."""

ONE, EVENLY, BY_ROOM = "one node", "all nodes, evenly", "all nodes, a room's writers on one"
LAYOUTS = (ONE, EVENLY, BY_ROOM)
"""The nodes that writers connect to. Where those of a room share one, nodes differ by one room's at most."""

Key = tuple[str, int]
"""The server, and how many nodes of it."""


@dataclass(frozen=True, slots=True)
class HotRound:
    """One measurement of writers over nodes: what each node has shown."""

    nodes: Sequence[Round]

    @property
    def rate(self) -> float:
        """Acknowledged marks per second, of all nodes."""
        return sum(node.rate for node in self.nodes)

    def ack_ms(self, share: float) -> float:
        """How many milliseconds this share (0 to 1) of the acks took at most. LoadFailed without any."""
        samples = [ms for node in self.nodes for ms in node.samples.ack_ms]
        if not samples:
            raise LoadFailed("none of the writers' marks was acknowledged in time")
        return percentile(samples, share)

    @property
    def unevenness(self) -> float:
        """The acks of the node with most of them by those of the node with fewest; inf if that had none."""
        acked = [node.acked for node in self.nodes]
        return max(acked) / min(acked) if min(acked) else inf

    @property
    def server_share(self) -> float:
        return sum(node.server_cpu for node in self.nodes)

    @property
    def generator_share(self) -> float:
        # One process is all crowds' generator.
        return median(node.generator_cpu for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Results:
    """Both parts. `rooms` were written to on so many `nodes`."""

    fanout: Mapping[Key, Kept[Load]]
    hot: Mapping[str, Kept[HotRound]]
    rooms: Size
    nodes: int


async def measure(
    folder: Path,
    *,
    names: Sequence[str] = NAMES,
    counts: Sequence[int] = COUNTS,
    members: int = MEMBERS,
    rooms: Size = ROOMS,
    rounds: int,
    warm_up: float,
    seconds: float,
    settle: float,
    noisy: bool,
    mongodb_url: str | None,
) -> Results:
    """The fan-out over nodes, then the rooms that several nodes write to, on as many nodes as the most of
    `counts`. All nodes of a part run side by side. `settle`: seconds without load after everybody has come.
    """
    (folder / "mongodb").mkdir()
    async with mongodb(folder / "mongodb", mongodb_url) as mongo_url:
        started = NodeServers(folder, mongo_url)
        async with AsyncExitStack() as stack:
            fanout: dict[Key, Callable[[], Awaitable[Load]]] = {}
            running: list[Nodes] = []
            for count in counts:
                for name in names:
                    nodes = await stack.enter_async_context(started.start(name, count))
                    await _fill(nodes, members)
                    running.append(nodes)
                    fanout[name, count] = partial(nodes.clients.flood, warm_up, seconds)
            await asyncio.gather(*(nodes.clients.idle(settle) for nodes in running))
            delivered = await in_turns(fanout, rounds=rounds, noisy=noisy)
        async with AsyncExitStack() as stack:
            servers = await stack.enter_async_context(started.rollcall_with(rooms, max(counts)))
            hot: dict[str, Callable[[], Awaitable[HotRound]]] = {}
            for layout in LAYOUTS:
                crowds = await _writers(stack, servers, rooms, layout)
                hot[layout] = partial(_hot_round, crowds, warm_up, seconds)
            written = await in_turns(hot, rounds=rounds, noisy=noisy)
        return Results(delivered, written, rooms, max(counts))


async def _fill(nodes: Nodes, members: int) -> None:
    """Connect the writers to node 1, and as many members of the topic to each node."""
    topic, count = team_topic(1), len(nodes.listeners)
    await nodes.clients.connect(WRITERS + members)
    for other in nodes.listeners[1:]:
        nodes.clients.turn_to(other.port, other.child.pid)
        await nodes.clients.connect(members)
    await nodes.clients.subscribe(WRITERS, members * count, topic)
    nodes.clients.write_to([(topic, members * count)])


def node_of(layout: str, size: Size, nodes: int) -> dict[str, int]:
    """The node (from 0) that the teacher of each class writes to."""
    if layout == ONE:
        nodes = 1
    of_room = size.classes if layout == BY_ROOM else 1
    return {id: place // of_room % nodes for place, id in enumerate(size.class_ids)}


async def _writers(stack: AsyncExitStack, servers: Sequence[Server], size: Size, layout: str) -> list[Crowd]:
    places = node_of(layout, size, len(servers))
    crowds = []
    for node, server in enumerate(servers):
        if class_ids := [id for id, place in places.items() if place == node]:
            crowds.append(await stack.enter_async_context(crowd(server, size, class_ids)))
    return crowds


async def _hot_round(crowds: Sequence[Crowd], warm_up: float, seconds: float) -> HotRound:
    return HotRound(await asyncio.gather(*(one.closed(1, warm_up, seconds, fewest=0) for one in crowds)))


def report(results: Results) -> str:
    """The results as two Markdown tables."""
    writers, rooms = len(results.rooms.class_ids), results.rooms.schools
    return (
        f"Writers at node 1 flooding:\n\n{_fanout(results.fanout)}\n\n"
        f"{writers} writers over {rooms} rooms of {results.nodes} nodes, one mark of each in flight:\n\n"
        f"{_hot(results.hot)}"
    )


def _fanout(results: Mapping[Key, Kept[Load]]) -> str:
    heading = (
        "server", "nodes", "node", "deliveries/s", "server CPU per delivery, µs", "core, this node",
        "core, all nodes", "generator's core", "rounds",
    )  # fmt: skip
    rows = [
        _fanout_row(name, count, node, kept)
        for (name, count), kept in results.items()
        for node in range(count)
    ]
    return table(heading, rows)


def _fanout_row(name: str, count: int, node: int, kept: Kept[Load]) -> tuple[str, ...]:
    return (
        name,
        str(count),
        f"{node + 1}, {'receiving' if node else 'writing'}",
        kept.spread(lambda r: r.nodes[node].deliveries / r.seconds),
        kept.spread(lambda r: cpu_of_nodes(r, node, node + 1), 2),
        kept.spread(lambda r: 100 * r.nodes[node].server_cpu / r.seconds) + " %",
        kept.spread(lambda r: 100 * r.server_share) + " %",
        kept.spread(lambda r: 100 * r.generator_share) + " %",
        kept.rounds,
    )


def cpu_of_nodes(load: Load, first: int, end: int | None = None) -> float:
    """Microseconds of these nodes' processor time for each of their deliveries."""
    nodes = load.nodes[first:end]
    return sum(node.server_cpu for node in nodes) / max(1, sum(node.deliveries for node in nodes)) * 1e6


def _hot(results: Mapping[str, Kept[HotRound]]) -> str:
    heading = (
        "writers on", "acknowledged marks/s", "p50 ms", "p99 ms", "most by fewest acks of a node",
        "core, all nodes", "generator's core", "rounds",
    )  # fmt: skip
    rows = [
        (
            layout,
            kept.spread(lambda r: r.rate),
            kept.spread(lambda r: r.ack_ms(0.5), 1),
            kept.spread(lambda r: r.ack_ms(0.99), 1),
            kept.spread(lambda r: r.unevenness, 2),
            kept.spread(lambda r: 100 * r.server_share) + " %",
            kept.spread(lambda r: 100 * r.generator_share) + " %",
            kept.rounds,
        )
        for layout, kept in results.items()
    ]
    return table(heading, rows)


def pictures(results: Mapping[Key, Kept[Load]]) -> dict[str, str]:
    """The pictures by their file names. A curve leaves out the points at which no round was quiet."""
    rate = [Curve(name, _points(results, name, lambda r: r.rate)) for name in _names(results)]
    cpu = []
    for name in _names(results):
        cpu.append(Curve(name, _points(results, name, lambda r: cpu_of_nodes(r, 0))))
        cpu.append(Curve(f"{name}, receiving", _points(results, name, lambda r: cpu_of_nodes(r, 1), 2)))
    drawn = {
        "nodes-deliveries.svg": ("Deliveries per second of all nodes together", rate),
        "nodes-cpu.svg": ("Server CPU per delivery, µs: all nodes, and those receiving", cpu),
    }
    return {
        file: picture(title, "nodes on one core", "one core, logarithmic", curves)
        for file, (title, curves) in drawn.items()
        if any(curve.points for curve in curves)
    }


def _names(results: Mapping[Key, Kept[Load]]) -> list[str]:
    return list(dict.fromkeys(name for name, _ in results))


def _points(
    results: Mapping[Key, Kept[Load]], wanted: str, value: Callable[[Load], float], fewest: int = 1
) -> list[Point]:
    points = []
    for (name, count), kept in results.items():
        if name == wanted and count >= fewest and kept.results:
            values = [max(value(one), 0.001) for one in kept.results]
            points.append(Point(count, min(values), median(values), max(values)))
    return points
