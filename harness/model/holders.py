"""Records of processes that may keep a device although no descriptor table shows it."""

from __future__ import annotations

from harness.record import record


@record(frozen=True, slots=True)
class PossibleHolder:
    """A process that has the means to keep an open file outside of every descriptor table that was read."""

    tgid: int
    tid: int
    """The task that has the means."""
    comm: str
    means: str
    """The name of the probe that found it (harness/observe/means/)."""
    evidence: str
    way: str = ""
    """Ways by which the device could have come to it (ancestry, session, namespace, …); empty if nothing shows one."""


@record(frozen=True, slots=True)
class Relative:
    """A process outside to which a device could have come."""

    pid: int
    start_time: int
    way: str


@record(frozen=True, slots=True)
class Awaited:
    """The connection that a task waits for, where something shows it: never by elimination."""

    tid: int
    connection: int
    evidence: str


@record(frozen=True, slots=True)
class Frozen:
    """A frozen control group with a task that matters, and what thaws it."""

    tid: int
    tgid: int
    group: str
    file: str
    """The file that thaws it, where the hierarchy is mounted."""
    value: str
    """The text to write there."""
