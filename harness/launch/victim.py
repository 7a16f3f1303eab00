"""The armed scenario: what was started, and by what it is found again."""

from __future__ import annotations

from pathlib import Path

from harness.guard.client import HeldConnection
from harness.linux.process import Process, Target
from harness.model.records import Claim
from harness.record import record
from harness.scenario import Scenario


@record(frozen=True, slots=True)
class Victim:
    scenario: Scenario
    target: Target
    server: Process | None
    """None: there is no FUSE in it."""
    connection: HeldConnection | None
    control: Path
    journal: Path
    claims: tuple[Claim, ...]
    about: str
    """The claims proven at the time of arming, in words: `the file is held open on connection 41`."""
    failures: tuple[str, ...] = ()
    """Calls that failed before the kill and must not fail: `execve(2): 5 ETXTBSY`."""
    remedy: tuple[str, int | str] | None = None
    """The other cause of the wait, besides FUSE: ("tracer", pid) or ("cgroup", folder)."""
