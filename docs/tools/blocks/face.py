"""The names of the module `fusezap` that come from the packages behind it."""

from __future__ import annotations

import inspect

import fusezap


def render(_: str) -> str:
    """A table with a row per name: the first sentence of its docstring."""
    lines = ["| name | what it is |", "|---|---|"]
    for name in fusezap.__all__:
        value = getattr(fusezap, name)
        if value.__module__ != fusezap.__name__:
            first = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split()).partition(". ")[0].rstrip(".")
            lines.append(f"| [`fusezap.{name}`][{value.__module__}.{value.__qualname__}] | {first} |")
    return "\n".join(lines)
