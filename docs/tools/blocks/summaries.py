"""The files of a package that each declare a `SUMMARY`: report formats, resolvers, kernel sources, engines."""

from __future__ import annotations

import importlib

from harness import registry


def render(argument: str) -> str:
    """A table with a row per file; `argument` is the package's import name."""
    package = importlib.import_module(argument)
    lines = ["| name | summary |", "|---|---|"]
    lines += [
        f"| `{name}` | {registry.module(package, name, 'SUMMARY').SUMMARY} |".replace("|  |", "| |")
        for name in registry.names(package)
    ]
    return "\n".join(lines)
