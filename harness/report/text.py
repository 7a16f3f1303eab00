"""Text from outside, and lines with a depth: what all the written formats have in common."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from harness.printable import visible as visible

Line = tuple[int, str]
"""How deep, and what; a format decides how a depth looks and where a line breaks."""

INDENT = "  "

STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "uninterruptible",
    "Z": "zombie",
    "X": "dead",
    "T": "stopped",
    "t": "traced",
    "I": "idle",
}


def folded(text: str) -> str:
    """Prose of several lines as one."""
    return visible(" ".join(text.split()))


def paragraphs(text: str) -> list[str]:
    """Prose, split at its empty lines, each paragraph one line."""
    return [folded(paragraph) for paragraph in text.split("\n\n") if paragraph.strip()]


def deeper(lines: Iterable[Line], by: int = 1) -> list[Line]:
    return [(depth + by, text) for depth, text in lines]


def plain(lines: Iterable[Line]) -> str:
    """Each on one line of its own, however long."""
    return "".join(f"{INDENT * depth}{text}".rstrip() + "\n" for depth, text in lines)


def wrapped(lines: Iterable[Line], width: int) -> list[str]:
    """No line longer than `width`: what continues one is deeper than it, and a word that is too long is cut."""
    broken: list[str] = []
    for depth, text in lines:
        first = INDENT * min(depth, 10)
        broken += textwrap.wrap(
            text, width, initial_indent=first, subsequent_indent=first + INDENT * 2, break_on_hyphens=False
        ) or [""]
    return broken


def percent(rate: float) -> str:
    """0.98175 → `98.2 %`; never rounded to what it is not: 0.9999 is not 100 %."""
    shown = round(100 * rate, 1)
    if shown in (0.0, 100.0) and rate not in (0.0, 1.0):
        return "under 0.1 %" if rate < 0.5 else "over 99.9 %"
    return f"{shown:g} %"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
