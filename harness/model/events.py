"""The events of a run, a session, a guest and a matrix job: each of them is an iterator of these records.

A run yields, in this order: Armed, Killed, Looked (once or more often), Judged, Attempted (any number), Resolved or
Kept where the namespace was stuck, and Counted.  A session yields, for each scenario: Began, the events of its runs,
and Ended; a scenario that this machine cannot run has Ended alone.  Said may come between any two events.  Failed ends
the stream of a guest or of a job: nothing comes after it.

The records that the events carry are imported for the type checker alone: a session yields Began before it starts the
server, and imports the records while the server starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.record import record

if TYPE_CHECKING:
    from harness.model.records import Attempt, Resolution, Result, Series, Snapshot, Verdict


@record(frozen=True, slots=True)
class Began:
    """A series of runs of one scenario begins."""

    name: str
    """The scenario's name."""
    summary: str
    """The scenario's summary, which completes 'This scenario …'."""
    times: int
    """Number of runs that the series may have."""


@record(frozen=True, slots=True)
class Armed:
    """The scenario is in place, as the journal and /proc prove."""

    what: str
    """The proven claims, in words: `the file is held open on connection 41`."""
    init: int
    """PID of the namespace's init, or of the process alone."""
    snapshot: Snapshot
    took_ms: float
    """Milliseconds since the run began."""


@record(frozen=True, slots=True)
class Killed:
    """SIGKILL was sent to init."""

    init: int


@record(frozen=True, slots=True)
class Looked:
    """One look after the kill, and the verdict on it; it need not be final."""

    verdict: Verdict


@record(frozen=True, slots=True)
class Judged:
    """The verdict is final.  Nothing has been done about the hang yet."""

    verdict: Verdict
    took_ms: float
    """Milliseconds since the kill."""


@record(frozen=True, slots=True)
class Attempted:
    """Something was tried that does not help."""

    attempt: Attempt


@record(frozen=True, slots=True)
class Resolved:
    """The resolver has acted, with or without effect."""

    resolution: Resolution


@record(frozen=True, slots=True)
class Kept:
    """The hang was left for the user; the guard lives on."""

    init: int
    run: str
    """The run's name, by which `fusezap clean` finds it."""
    remedy: str
    """The command that ends the hang by hand."""


@record(frozen=True, slots=True)
class Counted:
    """A run has ended and was counted, or it came to no result."""

    result: Result | None
    error: str = ""
    """Why there is no result."""


@record(frozen=True, slots=True)
class Ended:
    """A series has ended: all its runs, or as many as an interrupt left."""

    series: Series


@record(frozen=True, slots=True)
class Said:
    """A message for the user."""

    message: str


@record(frozen=True, slots=True)
class Failed:
    """The guest or the job cannot do its work at all."""

    error: str
    bug: bool = False
    """A bug of fusezap's own, and no fault of the kernel or the machine."""
    unfit: bool = False
    """The kernel under test cannot do it: neither the command nor this machine is at fault."""


Step = Armed | Killed | Looked | Judged | Attempted | Resolved | Kept
"""The events of one run."""
Event = Began | Step | Counted | Ended | Said | Failed

KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (Began, Armed, Killed, Looked, Judged, Attempted, Resolved, Kept, Counted, Ended, Said, Failed)
}
"""The events by name, as a guest names them."""
