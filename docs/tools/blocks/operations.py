"""The operations that a rule of fakefs can name."""

from __future__ import annotations

from fakefs.calls import OPERATIONS


def render(_: str) -> str:
    """A table with a row per operation."""
    lines = ["| operation | the calls that cause it |", "|---|---|"]
    lines += [f"| `{name}` | {words} |" for name, words in OPERATIONS.items()]
    return "\n".join(lines)
