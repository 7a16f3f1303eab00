"""The rooms of `harness/` and the packages beside it, as a table."""

from __future__ import annotations

from docs.tools import rooms


def render(_: str) -> str:
    """A table with a row per room, importers before the imported."""
    return rooms.table(rooms.read())
