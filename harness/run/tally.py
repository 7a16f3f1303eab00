"""The count of the runs of one scenario.  It keeps the latency of each run, and the first run of each outcome whole.

Pure: what the runs amount to (`Mark`) is decided here and nowhere else.
"""

from __future__ import annotations

from collections import Counter

from harness.model.records import NO_VERDICT, STUCK, About, Count, Kernel, Kind, Mark, Outcome, Result, Series
from harness.record import replace
from harness.run import statistics

CONFIDENCE = 0.95
"""Default confidence of the intervals."""


class Tally:
    def __init__(self, kernel: Kernel, about: About, confidence: float = CONFIDENCE) -> None:
        self.about = about
        self._kernel = kernel
        self._confidence = confidence
        self._counts: Counter[Outcome] = Counter()
        self._latencies: list[float] = []
        self._examples: dict[Outcome, Result] = {}
        self._errors: dict[str, None] = {}
        self._leftovers: dict[str, None] = {}
        self._unresolved = 0

    @property
    def runs(self) -> int:
        return self._counts.total()

    @property
    def errors(self) -> tuple[str, ...]:
        """Reasons why runs had no result, each once."""
        return tuple(self._errors)

    def count(self, outcome: Outcome) -> int:
        return self._counts[outcome]

    def add(self, result: Result) -> None:
        outcome = result.verdict.outcome
        self._counts[outcome] += 1
        if result.timings.kill_to_verdict is not None:
            self._latencies.append(result.timings.kill_to_verdict)
        self._examples.setdefault(outcome, result)
        self._leftovers |= dict.fromkeys(result.leftovers)
        if outcome in STUCK and result.resolution is not None and not result.resolution.released:
            self._unresolved += 1

    def add_error(self, message: str) -> None:
        self._errors.setdefault(message)

    def series(self, *, note: str = "", duration_s: float = 0.0, missing: tuple[str, ...] = ()) -> Series:
        counts = tuple(
            Count(outcome, times, *statistics.clopper_pearson(times, self.runs, self._confidence))
            for outcome, times in self._counts.most_common()
        )
        leftovers = tuple(self._leftovers)
        if self._unresolved:
            leftovers += (f"{self._unresolved} run(s) could not be resolved by the resolver",)
        series = Series(
            kernel=self._kernel,
            about=self.about,
            mark=Mark.UNSURE,
            counts=counts,
            latencies_ms=tuple(self._latencies),
            latency=statistics.latency(self._latencies),
            examples=tuple(self._examples.values()),
            errors=self.errors,
            leftovers=leftovers,
            missing=missing,
            note=note,
            confidence=self._confidence,
            duration_s=duration_s,
        )
        return replace(series, mark=mark(series))


def mark(series: Series) -> Mark:
    """A deadlock once seen is a yes, whatever else happened; a control that is wrong makes the others doubtful."""
    if series.missing:
        return Mark.SKIPPED
    outcomes = {count.outcome for count in series.counts}
    conclusive = outcomes - NO_VERDICT
    if series.about.kind is Kind.DEFECT and conclusive - {series.about.want}:
        return Mark.FAIL
    if not outcomes or outcomes != conclusive or series.errors or series.leftovers:
        return Mark.UNSURE
    if series.about.kind is Kind.BEHAVIOUR:
        return Mark.REPORTED
    return Mark.PASS if outcomes == {series.about.want} else Mark.UNSURE
