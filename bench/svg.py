"""Pictures of curves: lines over two logarithmic axes, as SVG that needs nothing else to be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 78, 186, 44, 52

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#555555")
"""Of Okabe and Ito: told apart also by people who see colours differently."""

LABEL_HEIGHT = 15.0


@dataclass(frozen=True, slots=True)
class Point:
    """A value at `x`, with the smallest and the largest that were measured."""

    x: float
    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One line, with its name beside its end."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis from `low` to `high`, which lie at `start` and `end` of the picture."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a value lies."""
        share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return round(self.start + share * (self.end - self.start), 1)


def picture(title: str, across: str, up: str, curves: Sequence[Curve]) -> str:
    """The curves that have points, with what is measured across and up. Values are above 0."""
    shown = [curve for curve in curves if curve.points]
    points = [point for curve in shown for point in curve.points]
    if not points:
        raise ValueError(f"{title}: there is nothing to draw")
    xs = sorted({point.x for point in points})
    x = Axis(xs[0], max(xs[-1], xs[0] * 1.01), LEFT + 14, WIDTH - RIGHT - 14)
    low, high = min(point.low for point in points), max(point.high for point in points)
    bottom, top = 10.0 ** floor(log10(low)), 10.0 ** ceil(log10(high * 1.0001))
    y = Axis(bottom, max(top, bottom * 10), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' font-family="system-ui, sans-serif" font-size="12" fill="#222">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 22, title, ' font-size="15" font-weight="600"'),
        *_grid(x, y, xs),
        _text((x.start + x.end) / 2, HEIGHT - 12, across, ' text-anchor="middle"'),
        _text(LEFT, TOP - 8, up, ' fill="#555"'),
        *_curves(shown, x, y),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(x: Axis, y: Axis, xs: Sequence[float]) -> list[str]:
    parts = []
    left, right = LEFT, WIDTH - RIGHT
    value = y.low
    while value <= y.high * 1.0001:
        at = y.place(value)
        parts.append(f'<path d="M{left} {at}H{right}" stroke="#ddd"/>')
        parts.append(_text(left - 8, at + 4, f"{value:,.10g}", ' text-anchor="end"'))
        value *= 10
    for value in xs:
        at = x.place(value)
        parts.append(f'<path d="M{at} {y.start}v5" stroke="#888"/>')
        parts.append(_text(at, y.start + 20, f"{value:,.10g}", ' text-anchor="middle"'))
    parts.append(f'<path d="M{left} {y.start}H{right}" stroke="#888"/>')
    return parts


def _curves(curves: Sequence[Curve], x: Axis, y: Axis) -> list[str]:
    parts = []
    ends = _apart([y.place(curve.points[-1].middle) for curve in curves], y.start)
    for number, (curve, end) in enumerate(zip(curves, ends, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        places = [(x.place(point.x), y.place(point.middle)) for point in curve.points]
        line = "L".join(f"{across} {up}" for across, up in places)
        parts.append(f'<g stroke="{colour}" fill="none" stroke-width="2"><path d="M{line}"/>')
        for point, (across, up) in zip(curve.points, places, strict=True):
            high, low = y.place(point.high), y.place(point.low)
            parts.append(f'<path d="M{across} {high}V{low}" stroke-width="1"/>')
            parts.append(_mark(number)(across, up, colour))
        last = places[-1]
        parts.append(f'<path d="M{last[0] + 6} {last[1]}L{WIDTH - RIGHT + 8} {end}" stroke-width="0.5"/></g>')
        parts.append(_text(WIDTH - RIGHT + 12, end + 4, curve.name, f' fill="{colour}"'))
    return parts


def _mark(number: int) -> Callable[[float, float, str], str]:
    """Round or square marks, filled or not: colour is not all that tells curves apart."""

    def draw(x: float, y: float, colour: str) -> str:
        fill = f' fill="{colour if number < 2 or number > 3 else "#fff"}"'
        if number % 2:
            return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"{fill}/>'
        return f'<circle cx="{x}" cy="{y}" r="3.5"{fill}/>'

    return draw


def _apart(places: Sequence[float], lowest: float) -> list[float]:
    """Heights near these, in the same order, that leave room for a label each."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, index in pairwise(order):
        moved[index] = max(moved[index], moved[before] + LABEL_HEIGHT)
    limit = lowest
    for index in reversed(order):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - LABEL_HEIGHT
    return [round(place, 1) for place in moved]


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"{more}>{escape(text)}</text>'
