"""Quoted mail: `> `, `>> `, `| `."""

from __future__ import annotations

ORDER = 5
PATTERN = r"(?:[>|]\s?)+(?=\s*\S)|(?!IRQ|NMI|EOI)[A-Z]{2,3}>\s+(?=\S)"
EXAMPLES = (
    "> ",
    ">> > ",
    "| ",
    "AB> ",
)
