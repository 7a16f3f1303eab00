"""A matrix from its question to its cells: what is known is taken from the store, what is measured is put there."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Protocol

from harness.kernels.image import Image
from harness.matrix.fingerprint import asked
from harness.matrix.job import Began, Ended, Failed, Found, Job, News, Said, Told
from harness.matrix.store import Store
from harness.model.records import Series
from harness.record import record
from harness.run.session import Plan
from harness.scenario import Scenario
from harness.vm.settings import Settings

Workers = Callable[[Sequence[Job]], Generator[Told]]
"""Carries out jobs, here or elsewhere; closed, it ends what is under way."""


class Watcher(Protocol):
    """Told how a matrix goes on, by the spec of the kernel."""

    def found(self, spec: str, image: Image, known: int) -> None: ...
    def began(self, spec: str, scenario: str) -> None: ...
    def measured(self, spec: str) -> None: ...
    def said(self, spec: str, message: str) -> None: ...
    def failed(self, spec: str, error: str) -> None: ...
    def ended(self, spec: str) -> None: ...


@record(frozen=True, slots=True)
class Question:
    specs: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    plan: Plan
    settings: Settings
    fresh: bool = False
    """Take nothing from the store."""


class Matrix:
    """`series` and `errors` hold what is known so far, also when `carry_out` was interrupted."""

    def __init__(self, question: Question, store: Store, watcher: Watcher) -> None:
        self._question = question
        self._store = store
        self._watcher = watcher
        self._name = uuid.uuid4().hex
        self._asked = {each.name: asked(each, question.plan) for each in question.scenarios}
        self._images: dict[str, Image] = {}
        self._cells: dict[tuple[str, str], Series] = {}
        self.errors: list[str] = []

    @property
    def series(self) -> tuple[Series, ...]:
        """In the order of the question."""
        order = ((spec, each.name) for spec in self._question.specs for each in self._question.scenarios)
        return tuple(self._cells[place] for place in order if place in self._cells)

    @property
    def complete(self) -> bool:
        return len(self._cells) == len(self._question.specs) * len(self._question.scenarios)

    def carry_out(self, workers: Workers) -> None:
        known = {} if self._question.fresh else self._store.holding(self._asked)
        jobs = [
            Job(spec, self._question.plan, self._question.scenarios, self._question.settings, known)
            for spec in self._question.specs
        ]
        with closing(workers(jobs)) as told:
            for spec, news in told:
                if news is None:
                    self._watcher.ended(spec)
                else:
                    self._take(spec, news, known)

    def _take(self, spec: str, news: News, known: dict[str, frozenset[str]]) -> None:
        match news:
            case Found(image=image):
                before = self._images.get(spec)
                if before is not None and before.digest == image.digest:
                    return  # a worker has died, and another has begun anew
                self._images[spec] = image
                self._cells = {place: series for place, series in self._cells.items() if place[0] != spec}
                here = [name for name in self._asked if name in known.get(image.digest, ())]
                for name in here:
                    self._cells[spec, name] = self._store.answer(image.digest, self._asked[name])
                self._watcher.found(spec, image, len(here))
            case Began(scenario=scenario):
                self._watcher.began(spec, scenario)
            case Ended(series=series):
                if (spec, series.about.name) in self._cells:
                    return
                self._store.add(self._name, self._images[spec], self._asked[series.about.name], series)
                self._cells[spec, series.about.name] = series
                self._watcher.measured(spec)
            case Said(message=message):
                self._watcher.said(spec, message)
            case Failed(error=error):
                self.errors.append(f"{spec}: {error}")
                self._watcher.failed(spec, error)
