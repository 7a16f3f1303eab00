"""All that is wanted of one kernel: one boot, one Python start, a series for each scenario.  The unit of work, the same
here and on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from harness.kernels import spec as kernel_spec
from harness.kernels.image import Image
from harness.kernels.progress import at_tenths
from harness.model.records import Result, Series
from harness.record import record
from harness.run import session
from harness.run.runner import SILENT
from harness.run.session import Plan
from harness.run.tally import Tally
from harness.scenario import Scenario
from harness.vm.settings import Settings


@record(frozen=True, slots=True)
class Job:
    spec: str
    plan: Plan
    scenarios: tuple[Scenario, ...]
    settings: Settings
    finished: dict[str, frozenset[str]] = field(default_factory=dict)
    """Scenarios that need not be run again, by the digest of the kernel: who works need not see the store."""

    def left(self, image: Image) -> tuple[Scenario, ...]:
        done = self.finished.get(image.digest, frozenset())
        return tuple(each for each in self.scenarios if each.name not in done)


@record(frozen=True, slots=True)
class Found:
    """The kernel is at hand."""

    image: Image


@record(frozen=True, slots=True)
class Began:
    scenario: str


@record(frozen=True, slots=True)
class Ended:
    """A cell is there."""

    series: Series


@record(frozen=True, slots=True)
class Said:
    message: str


@record(frozen=True, slots=True)
class Failed:
    """There is no more to come of this kernel."""

    error: str


News = Found | Began | Ended | Said | Failed
Told = tuple[str, News | None]
"""Of which job (its spec); None: it has ended."""


def carry_out(job: Job, tell: Callable[[News], None]) -> None:
    """FusezapError where the kernel cannot be had, or not be started here."""

    def say(message: str) -> None:
        tell(Said(message))

    image = kernel_spec.find(job.spec, at_tenths(say))
    tell(Found(image))
    left = job.left(image)
    if not left:
        return
    if image.is_host:
        session.carry_out(job.plan, left, SILENT, _Watcher(tell), say)
    else:
        from harness.vm import session as elsewhere

        elsewhere.carry_out(image, job.plan, left, SILENT, _Watcher(tell), say, job.settings)


class _Watcher:
    def __init__(self, tell: Callable[[News], None]) -> None:
        self._tell = tell

    def began(self, scenario: Scenario, times: int) -> None:
        del times
        self._tell(Began(scenario.name))

    def counted(self, tally: Tally, result: Result | None) -> None:
        """A cell is told when it is whole."""

    def ended(self, series: Series) -> None:
        self._tell(Ended(series))
