"""A case of a suite: a scenario, and the outcomes that are right for it."""

from __future__ import annotations

from enum import StrEnum

from harness.model.records import Count, Series
from harness.model.terms import Outcome
from harness.record import record
from harness.scenario import Scenario


@record(frozen=True, slots=True)
class Case:
    """A case, as the files of the suite declare it."""

    scenario: Scenario
    """It has the name of the case."""
    expect: tuple[Outcome, ...]
    """Every run comes to one of these."""
    times: int = 1
    """Runs under each kernel."""

    @property
    def name(self) -> str:
        """The name, which stays the same from run to run."""
        return self.scenario.name


class Status(StrEnum):
    """The status of a case under one kernel."""

    PASS = "pass"
    """Every run came to what is expected."""
    FAIL = "fail"
    """A run came to something else, or left something behind."""
    KNOWN = "known"
    """It fails in the way that the list of known failures says."""
    CHANGED = "changed"
    """It is in the list of known failures, and does not fail in that way any more: the list is out of date."""
    UNSURE = "unsure"
    """A run came to no conclusion, or could not be armed."""
    SKIPPED = "skipped"
    """This machine lacks something that the case needs."""


GOOD = frozenset({Status.PASS, Status.KNOWN, Status.SKIPPED})
"""A suite of these alone has passed."""


@record(frozen=True, slots=True)
class Known:
    """An entry of the list of known failures."""

    case: str
    """The case's name, or a glob."""
    outcomes: tuple[Outcome, ...]
    """The outcomes that its runs may come to."""
    kernel: str = "*"
    """A glob that fits the spec or the release of the kernel."""
    reason: str = ""


@record(frozen=True, slots=True)
class Before:
    """The same case under the same kernel in the last run of the suite."""

    status: Status
    outcomes: dict[str, int]
    """The number of runs by outcome."""


@record(frozen=True, slots=True)
class CaseResult:
    """A case under one kernel."""

    case: Case
    spec: str
    """The kernel, as it was asked for."""
    series: Series | None
    """Its runs; None where there were none."""
    status: Status
    why: str = ""
    """In words: what is not as expected; empty for a case that passed."""
    known: Known | None = None
    before: Before | None = None
    """None: it was not in the last run."""

    @property
    def outcomes(self) -> tuple[Count, ...]:
        """The outcomes of its runs, the commonest first."""
        return self.series.counts if self.series is not None else ()

    @property
    def differs(self) -> bool:
        """True if it came to other outcomes than in the last run; how often each occurred is chance."""
        return self.before is not None and set(self.before.outcomes) != {each.outcome for each in self.outcomes}


@record(frozen=True, slots=True)
class SuiteReport:
    """One run of a suite."""

    folder: str
    command: str
    version: str
    """The version of fusezap."""
    started: str
    """ISO 8601, UTC, to the second."""
    duration_s: float
    results: tuple[CaseResult, ...]
    errors: tuple[str, ...] = ()
    """Kernels that could not be had or started, a line each."""
    last: str = ""
    """When the run was started with which this one is compared; empty: there was none."""
    gone: tuple[str, ...] = ()
    """Cases of that run that this one has no more."""

    @property
    def good(self) -> bool:
        """True if nothing failed."""
        return not self.errors and bool(self.results) and all(each.status in GOOD for each in self.results)

    def count(self, status: Status) -> int:
        """The number of results with a status."""
        return sum(each.status is status for each in self.results)
