"""The share of a report that a page shows, in three steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

LIMIT = 1024 * 1024
"""Bytes of a page: what a mailing list or an issue tracker still takes."""


class Merge(IntEnum):
    """The amount of detail for a kernel whose result repeats an earlier kernel's."""

    SEPARATE = 1
    """A part of its own with evidence of its own."""
    BRIEF = 2
    """A part of its own that links to the evidence of the first kernel."""
    NAMED = 3
    """A line in the part of the first kernel."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds for the parts of a page that may grow without end; the kernel or the page itself bounds the rest."""

    journal: int
    """Rows of the journals, in the whole page."""
    lanes: int
    """Tasks in one timeline."""
    states: int
    """States that are put in words, per lane."""
    finest: float
    """Pixels: a shorter state is drawn together with the next one."""
    merge: Merge
    everything: bool = False
    """All examples are shown in full; otherwise as many as the page has room for."""


BUDGETS = (
    Budget(2400, 40, 40, 2.0, Merge.SEPARATE, everything=True),
    Budget(600, 16, 6, 24.0, Merge.BRIEF),
    Budget(0, 12, 4, 40.0, Merge.NAMED),
)
"""From the most to the least detail: the page takes the first that fits."""
PART_BYTES = 250
"""Size of the smallest part; with more parts than fit, only the last budget is tried."""
