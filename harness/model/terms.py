"""The words that declarations and records share.  Apart from the records, so that a scenario costs no start-up time."""

from __future__ import annotations

import sys
from enum import Enum

if sys.version_info >= (3, 11):  # noqa: UP036
    from enum import StrEnum as StrEnum
else:  # on a production host, see harness/pyz.py

    class StrEnum(str, Enum):  # noqa: UP042 -- it is what that class is there for
        __str__ = str.__str__


class Outcome(StrEnum):
    """The fate of the namespace; see the docs of `judge`."""

    RELEASED = "released"
    STARVED = "starved"
    DEADLOCK = "deadlock"
    FAILED = "failed"
    NOT_EXERCISED = "not-exercised"
    INCONCLUSIVE = "inconclusive"
    LOST_VM = "lost-vm"


class Proof(StrEnum):
    """The grade of a verdict of deadlock."""

    COMPLETE = "complete"
    """Every reference to the device is accounted for, by the launcher or by kernel memory."""
    CONDITIONAL = "conditional"
    """It holds if the conditions of the verdict hold: what /proc cannot show, in words."""


STUCK = frozenset({Outcome.DEADLOCK, Outcome.STARVED, Outcome.INCONCLUSIVE})
"""The namespace is still there, so something must be done about it."""
NO_VERDICT = frozenset({Outcome.INCONCLUSIVE, Outcome.NOT_EXERCISED, Outcome.LOST_VM})
"""They say nothing of the kernel: neither a pass nor a fail rests on them."""


class Kind(StrEnum):
    """The meaning of a scenario's outcome."""

    DEFECT = "defect"
    """A kernel free of the defect comes to `want`; `check` passes or fails on it."""
    BEHAVIOUR = "behaviour"
    """FUSE behaves so by design: reported, neither passed nor failed."""
    CONTROL = "control"
    """Comes to `want` on every kernel, or the harness is wrong."""


class Mark(StrEnum):
    """The summary of all runs of one scenario."""

    PASS = "pass"  # a kernel free of the defect, or a control that came out right
    FAIL = "fail"  # the defect was seen, once at least
    REPORTED = "reported"  # a behaviour: there is no right or wrong
    UNSURE = "unsure"  # inconclusive, not exercised, not armed, something left behind, or a control that is wrong
    SKIPPED = "skipped"  # this machine lacks what it needs


class Strength(StrEnum):
    """The evidence for an edge of the wait-for graph."""

    OBSERVED = "observed"  # the kernel shows it: a stack, a state, a descriptor
    DERIVED = "derived"  # follows from what the kernel shows, by the rule that the evidence names
    ASSUMED = "assumed"  # could not be ruled out, or only the launcher knows it


class Need(StrEnum):
    """The number of events, of those that a node waits for, that must occur."""

    ALL = "all"
    ANY = "any"


class Progress(StrEnum):
    """A node's ability to proceed without the nodes that it waits for."""

    WAITS = "waits"  # nothing: its edges decide
    RUNS = "runs"  # is on its way by itself
    OUTSIDE = "outside"  # lives, and can still be woken or continued from outside
    UNKNOWN = "unknown"  # sleeps for a reason that is not known here: no proof may rest on it
