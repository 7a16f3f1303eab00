"""A matrix: the cells that the store has, and those that jobs must measure; whatever is measured is stored at once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

from harness.kernels.image import Image
from harness.matrix.fingerprint import fingerprint
from harness.matrix.job import Job, JobEvent, KernelFound, Labelled
from harness.matrix.store import Store
from harness.model.events import Ended, Failed
from harness.model.records import Series
from harness.record import record, replace
from harness.run.session import SessionOptions
from harness.scenario import Scenario
from harness.vm.settings import Settings

Workers = Callable[[Iterable[Job]], Generator[Labelled]]
"""Runs jobs, here or elsewhere, and yields their events; closed, it ends those under way."""


@record(frozen=True, slots=True)
class MatrixSpec:
    """The kernels and the scenarios of a matrix, and how each cell is measured."""

    specs: tuple[str, ...]
    """Specifications of kernels."""
    scenarios: tuple[Scenario, ...]
    options: SessionOptions
    settings: Settings
    fresh: bool = False
    """Measure every cell, also those that the store has."""


class Matrix:
    """The cells of a matrix.  `series` and `errors` hold what is known so far, also after an interrupt."""

    def __init__(self, spec: MatrixSpec, store: Store) -> None:
        self._spec = spec
        self._store = store
        self._name = uuid.uuid4().hex
        self._fingerprints = {each.name: fingerprint(each, spec.options) for each in spec.scenarios}
        self._images: dict[str, Image] = {}
        self._cells: dict[tuple[str, str], Series] = {}
        self.errors: list[str] = []

    @property
    def series(self) -> tuple[Series, ...]:
        """The cells in the order of the specification."""
        order = ((spec, each.name) for spec in self._spec.specs for each in self._spec.scenarios)
        return tuple(self._cells[cell] for cell in order if cell in self._cells)

    @property
    def complete(self) -> bool:
        return len(self._cells) == len(self._spec.specs) * len(self._spec.scenarios)

    def measure(self, workers: Workers) -> Generator[Labelled]:
        """Measure the cells that are missing, and store each as soon as it is whole.

        Args:
            workers: Runs the jobs.

        Yields:
            The events of the jobs, each with the spec of its kernel, but for those of a job that another worker has
            begun anew.
        """
        known = {} if self._spec.fresh else self._store.holding(self._fingerprints)
        jobs = [
            Job(spec, self._spec.options, self._spec.scenarios, self._spec.settings, known) for spec in self._spec.specs
        ]
        with closing(workers(jobs)) as events:
            for spec, event in events:
                news = None if event is None else self._take(spec, event, known)
                if event is None or news is not None:
                    yield spec, news

    def _take(self, spec: str, event: JobEvent, known: dict[str, frozenset[str]]) -> JobEvent | None:
        """The event, as a display is to show it; None where it is none, because it was taken before."""
        match event:
            case KernelFound(image=image):
                before = self._images.get(spec)
                if before is not None and before.digest == image.digest:
                    return None  # the job's worker has died, and another has begun anew
                self._images[spec] = image
                self._cells = {cell: series for cell, series in self._cells.items() if cell[0] != spec}
                here = [name for name in self._fingerprints if name in known.get(image.digest, ())]
                for name in here:
                    self._cells[spec, name] = self._store.answer(image.digest, self._fingerprints[name])
                return replace(event, known=len(here))
            case Ended(series=series):
                if (spec, series.about.name) in self._cells:
                    return None
                self._store.add(self._name, self._images[spec], self._fingerprints[series.about.name], series)
                self._cells[spec, series.about.name] = series
            case Failed(error=error):
                self.errors.append(f"{spec}: {error}")
        return event
