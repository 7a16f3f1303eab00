"""A suite under some kernels: one job for each kernel, here, in machines or on a cluster."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing

from harness.matrix.job import Job, Labelled
from harness.matrix.measure import Workers
from harness.model.events import Ended, Failed
from harness.model.records import Series
from harness.run.session import SessionOptions
from harness.suite.case import Case
from harness.vm.settings import Settings


class Measured:
    """The series of a suite so far, also after an interrupt."""

    def __init__(self, cases: Sequence[Case], specs: Sequence[str], settings: Settings) -> None:
        """Args:
        cases: Each is run under each kernel.
        specs: The kernels.
        settings: Of the virtual machines.
        """
        self._cases = cases
        self._specs = specs
        self._settings = settings
        self.series: dict[tuple[str, str], Series] = {}
        """Series, by the name of the case and the spec of the kernel."""
        self.errors: list[str] = []
        """Kernels that could not be had or started, a line each."""

    def measure(self, workers: Workers) -> Generator[Labelled]:
        """Run the suite.  Closing the iterator ends what is under way.

        Args:
            workers: Run the jobs.

        Yields:
            The events of the jobs, each with the spec of its kernel.
        """
        with closing(workers(list(self._jobs()))) as events:
            for spec, event in events:
                match event:
                    case Ended(series=series):
                        self.series[series.about.name, spec] = series
                    case Failed(error=error):
                        self.errors.append(f"{spec}: {error}")
                yield spec, event

    def _jobs(self) -> Iterable[Job]:
        """One for each kernel."""
        scenarios = tuple(each.scenario for each in self._cases)
        options = SessionOptions(times_by_name=tuple((each.name, each.times) for each in self._cases))
        for spec in self._specs:
            yield Job(spec, options, scenarios, self._settings, {})
