"""Latencies as a histogram; a template makes it SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.model.records import Series

WIDTH, HEIGHT = 640, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 34, 46
_FEWEST, _MOST = 16, 30


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class FigureLine:
    """A line that marks a figure, with its name above it."""

    x: float
    name: str
    y: float
    end: bool
    """The name lies to the left of the line."""


@dataclass(frozen=True, slots=True)
class Histogram:
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    bars: tuple[Bar, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    rules: tuple[FigureLine, ...]
    text: str
    """The same in words."""


def nice(step: float) -> float:
    """The next larger of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(each * power for each in (1.0, 2.0, 5.0, 10.0) if each * power >= step * (1 - 1e-9))


def ticks(low: float, high: float, about: int) -> tuple[float, ...]:
    """List about `about` round numbers within [low, high]."""
    step = nice((high - low) / about)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(number * step, 9) for number in range(first, last + 1))


def number(value: float) -> str:
    """Write a number without an exponent and without a negative zero."""
    return f"{value + 0.0:.6f}".rstrip("0").rstrip(".") if value else "0"


def place(value: float) -> str:
    """Write a coordinate to a tenth of a pixel."""
    return f"{value + 0.0:.1f}".removesuffix(".0")


def histogram(series: Series) -> Histogram | None:
    """Lay out the latencies of a series; None where there are fewer than two."""
    values, latency = sorted(series.latencies_ms), series.latency
    if len(values) < 2 or latency is None:
        return None
    low, width, counts = bins(values)
    high = low + width * len(counts)
    most = max(counts)
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM

    def across(value: float) -> float:
        return round(_LEFT + (value - low) / (high - low) * (right - _LEFT), 1)

    def up(count: float) -> float:
        return round(bottom - count / most * (bottom - _TOP), 1)

    described = []
    bars = []
    for index, count in enumerate(counts):
        if count == 0:
            continue
        start, end = low + index * width, low + (index + 1) * width
        described.append(f"{count} from {number(start)} to {number(end)} ms")
        x, y = across(start), up(count)
        bars.append(Bar(x, y, round(max(across(end) - x - 1, 1), 1), round(bottom - y, 1), described[-1]))
    return Histogram(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=right,
        top=_TOP,
        bottom=bottom,
        bars=tuple(bars),
        across=tuple(Tick(across(each), number(each)) for each in ticks(low, high, 8)),
        up=tuple(Tick(up(each), number(each)) for each in ticks(0, most, 4) if each == int(each)),
        rules=(_rule("median", across(latency.median), 12), _rule("p95", across(latency.p95), 26)),
        text=f"Kill to verdict of {len(values)} runs: " + ", ".join(described),
    )


def _rule(name: str, x: float, y: float) -> FigureLine:
    """Put each name in a row of its own, on the side that has room."""
    return FigureLine(min(max(x, _LEFT), WIDTH - _RIGHT), name, y, x > WIDTH - _RIGHT - 60)


def bins(values: list[float]) -> tuple[float, float, tuple[int, ...]]:
    """Sort values into bins of a round width near that of the Freedman-Diaconis rule: 2 IQR / n^(1/3).

    Args:
        values: Sorted, at least one.

    Returns:
        Start of the first bin, width of each, and the number of values in each.
    """
    low, high, size = values[0], values[-1], len(values)
    spread = max(high - low, abs(high) * 0.01, 1e-3)
    middle = values[(3 * size) // 4] - values[size // 4]
    width = 2 * middle / size ** (1 / 3) or spread / 10
    width = nice(min(max(width, spread / _MOST), spread / _FEWEST))
    first = math.floor(low / width + 1e-9)
    counts = [0] * (max(math.floor(high / width + 1e-9) - first, 0) + 1)
    for value in values:
        counts[min(max(math.floor(value / width + 1e-9) - first, 0), len(counts) - 1)] += 1
    return first * width, width, tuple(counts)
