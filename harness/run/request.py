"""The request for one run, and the reply of a worker process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.record import record
from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.model.records import Result


@record(frozen=True, slots=True)
class RunRequest:
    """One run of a scenario."""

    scenario: Scenario
    resolver: str | None = None
    """Name of a resolver; None: abort, or a forced unmount where there is no abort file."""
    patience_s: float | None = None
    """Seconds that a starved namespace must stay starved; None: the scenario's own, unless the server withholds all."""
    out: Path | None = None
    """Folder for the evidence; None: none is kept."""
    keep: bool = False
    """Leave the hang to the guard and the user."""
    futile: bool = False
    """First try what does not help."""
    brief: bool = False
    """Skip evidence that only a display would use."""


@record(frozen=True, slots=True)
class RunReply:
    """A worker's reply to a request: the result of the run, or why there is none."""

    result: Result | None
    error: str = ""
    broken: bool = False
    """This machine cannot run the scenario at all, so that another try is no use."""
