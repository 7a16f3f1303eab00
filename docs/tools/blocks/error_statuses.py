"""The exit statuses that each command has for errors."""

from __future__ import annotations

from docs.tools import parsers
from harness.boundary import statuses


def render(_: str) -> str:
    """A table with a row for the commands that share the same two statuses."""
    commands: dict[tuple[int, int], list[str]] = {}
    for name in parsers.names():
        commands.setdefault(statuses([name]), []).append(f"`{name}`")
    lines = ["| commands | usage and environment | bug |", "|---|---|---|"]
    lines += [f"| {', '.join(names)} | {refused} | {bug} |" for (refused, bug), names in sorted(commands.items())]
    return "\n".join(lines)
