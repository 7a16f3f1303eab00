"""The words that declarations and records share.  Apart from the records, so that a scenario costs no start-up time."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of the namespace; see docs of `judge`."""

    RELEASED = "released"
    STARVED = "starved"
    DEADLOCK = "deadlock"
    NOT_EXERCISED = "not-exercised"
    INCONCLUSIVE = "inconclusive"


STUCK = frozenset({Outcome.DEADLOCK, Outcome.STARVED, Outcome.INCONCLUSIVE})
"""The namespace is still there, so something must be done about it."""


class Strength(StrEnum):
    """How an edge of the wait-for graph is known."""

    OBSERVED = "observed"  # the kernel shows it: a stack, a state, a descriptor
    DERIVED = "derived"  # follows from what the kernel shows, by the rule that the evidence names
    ASSUMED = "assumed"  # could not be ruled out, or only the launcher knows it


class Need(StrEnum):
    """Of what a node waits for, how many must come to pass."""

    ALL = "all"
    ANY = "any"


class Progress(StrEnum):
    """What a node can do without the nodes that it waits for."""

    WAITS = "waits"  # nothing: its edges decide
    RUNS = "runs"  # is on its way by itself
    OUTSIDE = "outside"  # lives, and can still be woken or continued from outside
    UNKNOWN = "unknown"  # sleeps for a reason that is not known here: no proof may rest on it
