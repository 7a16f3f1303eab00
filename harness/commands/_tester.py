"""Tests kernels for a search: one in this process, or several at a time by the workers of the matrix."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Generic, TypeVar

from harness.commands import _counting, _kernel
from harness.errors import KernelError, MachineError, UsageError
from harness.model.events import Began, Ended, Event, Failed
from harness.model.printable import visible
from harness.record import record, replace

if TYPE_CHECKING:
    from harness.bisect.line import Tested
    from harness.matrix.job import Job, JobEvent
    from harness.matrix.measure import Workers
    from harness.model.records import Series
    from harness.run.session import SessionOptions
    from harness.scenario import Scenario

Name = TypeVar("Name")


@record(frozen=True, slots=True)
class Ready:
    """A kernel that can be tested."""

    spec: str
    build_s: float = 0.0


def arguments(group: argparse._ArgumentGroup) -> None:
    """Add the options for several kernels at a time."""
    group.add_argument("--jobs", metavar="J", type=int, default=1, help="kernels tested at a time (default 1)")
    group.add_argument("--cluster", metavar="ADDRESS", help="test them on the workers of a dask scheduler, J at a time")


def check(args: argparse.Namespace) -> None:
    """Raise UsageError for a number of workers out of its range."""
    if not 1 <= args.jobs <= 1024:
        raise UsageError("--jobs takes a number from 1 to 1024")


class Tester:
    """Tests kernels with one scenario."""

    def __init__(self, args: argparse.Namespace, scenario: Scenario, rate: float | None, confidence: float) -> None:
        from harness.run.session import SessionOptions

        # So many runs in one boot show a race with a probability of a half.
        batch = 1 if rate is None else min(100, math.ceil(math.log(2) / -math.log1p(-rate)))
        self._args = args
        self._scenario = scenario
        self._options: SessionOptions = SessionOptions(times=batch, rate=rate, confidence=confidence)
        self.workers: int = args.jobs

    def run(self, kernels: Iterable[tuple[Name, Ready | Tested]]) -> Iterator[tuple[Name, Tested]]:
        """Test kernels.

        Args:
            kernels: Each with its name; one that cannot be tested with its result.  With several workers, the next one
                is taken from an iterator, which may build it, while others are tested.

        Yields:
            The name and the result of each, as they come.

        Raises:
            FusezapError: A fault that is not the kernel's.
        """
        if self.workers == 1 and self._args.cluster is None:
            for name, kernel in kernels:
                yield name, self._one(kernel) if isinstance(kernel, Ready) else kernel
            return
        batch = _Batch[Name](self, kernels)
        yield from batch.run(self._crew())

    def job(self, spec: str) -> Job:
        """The work on one kernel, for a worker."""
        from harness.matrix.job import Job

        return Job(spec, self._options, (self._scenario,), _kernel.settings(self._args), {})

    def result(self, release: str, series: list[Series], errors: list[str], times: _Times) -> Tested:
        """Judge what was run under one kernel."""
        from harness.bisect.journal import answer_of
        from harness.bisect.line import Tested
        from harness.commands.check import line, status

        answer = status(series, errors)
        runs = max(1, sum(each.runs for each in series))
        said = visible(line(release, answer, series, errors))
        return Tested(
            answer_of(answer), runs, release, said, times.duration_s, times.build_s, times.boot_s, tuple(series)
        )

    def _one(self, kernel: Ready) -> Tested:
        """KernelError is the kernel's fault, and the kernel is skipped; all else ends the search."""
        from harness.run.session import deliver

        asked = argparse.Namespace(**{**vars(self._args), "kernel": kernel.spec, "append": ""})
        counter = _counting.Counter(shown=False)
        times = _Times(kernel.build_s)

        def take(event: Event) -> None:
            times.take(event)
            counter.take(event)

        release, errors = kernel.spec, []
        try:
            release, events = _kernel.session(asked, self._options, (self._scenario,))
            deliver(events, take)
        except KernelError as error:
            errors.append(str(error))
        finally:
            counter.stop()
        return self.result(release, counter.series, errors, times)

    def _crew(self) -> Workers:
        from functools import partial

        if self._args.cluster is None:
            from harness.matrix import local

            return partial(local.run, at_a_time=self.workers)
        from harness.commands import _extras

        _extras.ensure("farm", "distributed", "--cluster")
        from harness.matrix import cluster

        return cluster.workers(self._args.cluster)


class _Times:
    """Seconds of a test, from now on."""

    def __init__(self, build_s: float) -> None:
        self.build_s = build_s
        self.boot_s = 0.0
        self._since = time.monotonic()

    def take(self, event: object) -> None:
        """The scenario begins once the machine is up."""
        if isinstance(event, Began):
            self.boot_s = time.monotonic() - self._since

    @property
    def duration_s(self) -> float:
        return self.build_s + time.monotonic() - self._since


class _Test(Generic[Name]):
    """A kernel whose test is under way; of several names where those have the same sources."""

    def __init__(self, names: list[Name], times: _Times) -> None:
        self.names = names
        self.times = times
        self.release = ""
        self.series: list[Series] = []
        self.errors: list[str] = []
        self.faults: list[str] = []
        """Errors that are not the kernel's."""
        self.tested: Tested | None = None

    def take(self, event: JobEvent) -> None:
        from harness.matrix.job import KernelFound

        self.times.take(event)
        match event:
            case KernelFound(image=image):
                self.release, self.series, self.errors, self.faults = image.release, [], [], []
            case Ended(series=series):
                self.series.append(series)
            case Failed(error=error, unfit=unfit):
                (self.errors if unfit else self.faults).append(error)


class _Batch(Generic[Name]):
    """Kernels that are tested at the same time."""

    def __init__(self, tester: Tester, kernels: Iterable[tuple[Name, Ready | Tested]]) -> None:
        self._tester = tester
        self._kernels = kernels
        self._under_way: dict[str, _Test[Name]] = {}
        self._known: list[tuple[Name, Tested]] = []
        self._again: dict[str, _Test[Name]] = {}

    def run(self, workers: Workers) -> Iterator[tuple[Name, Tested]]:
        """Test them; a kernel whose worker was killed, once more."""
        yield from self._pass(workers, self._jobs())
        again, self._again = self._again, {}
        self._under_way = {spec: _Test(each.names, _Times(each.times.build_s)) for spec, each in again.items()}
        yield from self._pass(workers, (self._tester.job(spec) for spec in again))
        for spec, each in self._again.items():
            raise MachineError(f"{spec} cannot be tested: {'; '.join(each.faults)}")

    def _jobs(self) -> Iterator[Job]:
        for name, kernel in self._kernels:
            if not isinstance(kernel, Ready):
                self._known.append((name, kernel))
            elif kernel.spec in self._under_way:
                same = self._under_way[kernel.spec]
                if same.tested is None:
                    same.names.append(name)
                else:
                    self._known.append((name, same.tested))
            else:
                self._under_way[kernel.spec] = _Test([name], _Times(kernel.build_s))
                yield self._tester.job(kernel.spec)

    def _pass(self, workers: Workers, jobs: Iterable[Job]) -> Iterator[tuple[Name, Tested]]:
        with closing(workers(jobs)) as events:
            for spec, event in events:
                test = self._under_way[spec]
                if event is not None:
                    test.take(event)
                elif test.faults:
                    self._again[spec] = test
                else:
                    test.tested = self._tester.result(test.release or spec, test.series, test.errors, test.times)
                    self._known += [(name, test.tested) for name in test.names]
                yield from self._taken()
        yield from self._taken()

    def _taken(self) -> Iterator[tuple[Name, Tested]]:
        known, self._known = self._known, []
        yield from known


def skipped(line: str, build_s: float) -> Tested:
    """The result of a revision that has no kernel."""
    from harness.bisect.line import Tested
    from harness.bisect.search import Answer

    return replace(Tested(Answer.SKIP, 1, "", line), duration_s=build_s, build_s=build_s)
