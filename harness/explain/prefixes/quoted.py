"""Quoted mail: `> `, `>> `, `| `."""

from __future__ import annotations

ORDER = 5
PATTERN = r"(?:[>|]\s?)+(?=\s*\S)"
EXAMPLES = (
    "> ",
    ">> > ",
    "| ",
)
