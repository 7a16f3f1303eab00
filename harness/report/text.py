"""Text from outside made visible, and lines with a depth: shared by all written formats."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from harness.model.printable import visible as visible

Line = tuple[int, str]
"""Depth and text; a format decides how a depth looks and where a line breaks."""

INDENT = "  "


def folded(text: str) -> str:
    """Put prose of several lines on one line."""
    return visible(" ".join(text.split()))


def paragraphs(text: str) -> list[str]:
    """Split prose at its empty lines, each paragraph on one line."""
    return [folded(paragraph) for paragraph in text.split("\n\n") if paragraph.strip()]


def deeper(lines: Iterable[Line], by: int = 1) -> list[Line]:
    """Add `by` to the depth of each line."""
    return [(depth + by, text) for depth, text in lines]


def plain(lines: Iterable[Line]) -> str:
    """Write each line indented by its depth, however long."""
    return "".join(f"{INDENT * depth}{text}".rstrip() + "\n" for depth, text in lines)


def wrapped(lines: Iterable[Line], width: int) -> list[str]:
    """Break lines at `width` columns; a continuation is indented deeper, and a word that is too long is cut."""
    broken: list[str] = []
    for depth, text in lines:
        first = INDENT * min(depth, 10)
        broken += textwrap.wrap(
            text, width, initial_indent=first, subsequent_indent=first + INDENT * 2, break_on_hyphens=False
        ) or [""]
    return broken


def percent(rate: float) -> str:
    """Write a rate as `98.2 %`; only a rate of exactly 0 or 1 is written as 0 % or 100 %."""
    shown = round(100 * rate, 1)
    if shown in (0.0, 100.0) and rate not in (0.0, 1.0):
        return "under 0.1 %" if rate < 0.5 else "over 99.9 %"
    return f"{shown:g} %"


def counted(number: int, noun: str) -> str:
    """Write a number and its noun, as `1 run` or `3 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def milliseconds(value: float) -> str:
    """Write milliseconds without their unit: two decimals while these mean something."""
    return f"{value:.2f}" if value < 1000 else f"{value:.0f}"


def duration(seconds: float) -> str:
    """Write a duration in its two largest units, as `4.2 s`, `3 min 7 s`, `5 h 2 min` or `2 d 5 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def columns(rows: Sequence[Sequence[str]], gap: str = INDENT) -> list[str]:
    """Align the cells of rows that have the same number of them; the last column is padded too."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) if rows else 0)]
    return [gap.join(cell.ljust(widths[place]) for place, cell in enumerate(row)) for row in rows]


def cut(text: str, most: int) -> str:
    """Shorten a text to `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
