"""Bare names, one a line, as people copy them: taken only where the table knows the name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.blockers import table

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 990
SUMMARY = "bare function names, one a line"
HINT = r"^(?:[#*-]?\s?\d*[.)]?\s+)?(?:\?\s+)?`?[a-z_][a-z0-9_.]{4,}(?:\(\))?`?(?:\s+\[[\w-]+\])?$"
MARKS = ()

_NAME = re.compile(r"^(?:[#*-]?\s?\d*[.)]?\s+)?(\?\s+)?`?([a-z_][a-z0-9_.]{4,})(?:\(\))?`?(?:\s+\[([\w-]+)\])?$")


def read(text: str, builder: Builder) -> bool:
    found = _NAME.match(text)
    if found is None or "_" not in found[2]:
        return False
    if not _known(found[2]) and not builder.last_function():
        return False
    builder.frame("bare", found[2], found[3] or "", bool(found[1]))
    return True


def _known(name: str) -> bool:
    """A function that the table names, or one that begins as its patterns do and as no module's name does."""
    return name in table.vocabulary() or (name.startswith("__") and table.of_stack((name,)) is not None)
