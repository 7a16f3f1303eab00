"""Finds the row of a stack.  Of several rows that fit, the one whose pattern begins innermost is taken."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from harness import registry
from harness.blockers import families
from harness.blockers.names import SLEEP
from harness.blockers.row import Pattern, Row
from harness.record import record

_SLEEP_EXACT = frozenset(each for each in SLEEP if not each.endswith("*"))
_SLEEP_PREFIXES = tuple(each[:-1] for each in SLEEP if each.endswith("*"))


@record(frozen=True, slots=True)
class Match:
    row: Row
    place: int
    """Index of the function that the row was known by."""
    links: int
    """Number of functions that the pattern named."""


@functools.lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """All rows, in the order of the families' names, `ORDER` first."""
    modules = registry.modules(families, "ORDER", "ROWS")
    return tuple(row for module in sorted(modules, key=lambda each: each.ORDER) for row in module.ROWS)


@functools.lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[int, int, Row, Pattern], ...]:
    """Each pattern, with its row, the row's place, and how far it is a fallback."""
    return tuple(
        (fallback, order, row, Pattern(text))
        for order, row in enumerate(rows())
        for texts, fallback in ((row.stacks, row.fallback), (row.plain, 0))
        for text in texts
    )


@functools.lru_cache(maxsize=65536)
def _beginning_with(function: str, module: str) -> frozenset[int]:
    """Places in `_patterns()` of those whose innermost link a function may meet."""
    return frozenset(at for at, each in enumerate(_patterns()) if each[3].links[0].meets(function, module, True))


@functools.lru_cache(maxsize=65536)
def sleeps(function: str) -> bool:
    """True for a function of the scheduler or of a lock, which says nothing of why the task waits."""
    return function in _SLEEP_EXACT or function.startswith(_SLEEP_PREFIXES)


def top_of(functions: Sequence[str]) -> int:
    """Index of the innermost function that is not a scheduler's or a lock's; 0 where there is none."""
    return next((at for at, name in enumerate(functions) if not sleeps(name)), 0)


@functools.lru_cache(maxsize=8192)
def match(functions: tuple[str, ...], modules: tuple[str, ...] = ()) -> Match | None:
    """The row that explains a stack.

    Args:
        functions: Names without offset, module and compiler suffix, innermost first.
        modules: The module of each function, as long as `functions`, or empty where none is known.

    Returns:
        The match whose pattern begins innermost; of those, the one with more links, then the first of the table.
        Rows that are a `fallback` are taken only where no other row fits.
    """
    if not functions:
        return None
    top = top_of(functions)
    best: tuple[tuple[int, int, int, int], Match] | None = None
    candidates: set[int] = set()
    for at, name in enumerate(functions):
        candidates |= _beginning_with(name, modules[at] if modules else "")
    patterns = _patterns()
    for at in sorted(candidates):
        fallback, order, row, pattern = patterns[at]
        place = pattern.place(functions, modules, top)
        if place is None:
            continue
        key = (fallback, max(place, top), -len(pattern.links), order)
        if best is None or key < best[0]:
            best = (key, Match(row, place, len(pattern.links)))
    return None if best is None else best[1]


def of_stack(functions: tuple[str, ...]) -> Row | None:
    """The row of a stack that is innermost first; None where no row fits."""
    found = match(functions)
    return None if found is None else found.row


def named(kind: str) -> Row:
    """The first row of a kind."""
    return next(row for row in rows() if row.kind == kind)


def kinds() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.kind for row in rows()))


@functools.lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """Every function that a pattern names in full: how a bare word is told from prose."""
    return frozenset(name for _, _, _, pattern in _patterns() for link in pattern.links for name in link.names())
