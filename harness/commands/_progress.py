"""How a matrix is shown to go on: bars on a terminal, else a line for each kernel."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from harness.kernels.image import Image
from harness.matrix.measure import Watcher

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Shown(Watcher):
    """Also counts what every display needs."""

    def __init__(self, kernels: int, scenarios: int) -> None:
        self._kernels = kernels
        self._scenarios = scenarios
        self._names: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._cells: dict[str, int] = {}
        self._told: set[str] = set()
        """Of which no more is to be said."""

    def found(self, spec: str, image: Image, known: int) -> None:
        self._names[spec] = spec if spec == image.release else f"{spec} ({image.release})"
        self._cells[spec] = known
        self._since[spec] = time.monotonic()
        if known:
            self.tell(f"{self._names[spec]}: {known} of {self._scenarios} cells are known already")
        if known == self._scenarios:
            self._told.add(spec)

    def began(self, spec: str, scenario: str) -> None:
        """Shown where there is a place for it."""

    def measured(self, spec: str) -> None:
        self._cells[spec] += 1

    def said(self, spec: str, message: str) -> None:
        self.tell(message if message.startswith(spec) else f"{spec}: {message}")

    def failed(self, spec: str, error: str) -> None:
        self._told.add(spec)
        self.tell(f"{spec}: {error}")

    def ended(self, spec: str) -> None:
        if spec in self._since.keys() - self._told:
            took = time.monotonic() - self._since[spec]
            self.tell(f"{self._names[spec]}: {self._cells[spec]} of {self._scenarios} cells, {took:.1f} s")

    def tell(self, message: str) -> None:
        print(f"fusezap: {message}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Nothing is shown any more."""


class _Bars(Shown):
    """A bar for all, and one for each kernel under way."""

    def __init__(self, kernels: int, scenarios: int) -> None:
        super().__init__(kernels, scenarios)
        self._progress = _bars()
        self._all = self._progress.add_task("all", total=kernels * scenarios, now="")
        self._bars: dict[str, TaskID] = {}
        self._progress.start()

    def found(self, spec: str, image: Image, known: int) -> None:
        super().found(spec, image, known)
        name = self._names[spec]
        self._bars[spec] = self._progress.add_task(name, total=self._scenarios, completed=known, now="starting")
        self._progress.update(self._all, advance=known)

    def began(self, spec: str, scenario: str) -> None:
        self._progress.update(self._bars[spec], now=scenario)

    def measured(self, spec: str) -> None:
        super().measured(spec)
        self._progress.update(self._bars[spec], advance=1)
        self._progress.update(self._all, advance=1)

    def ended(self, spec: str) -> None:
        super().ended(spec)
        if spec in self._bars:
            self._progress.remove_task(self._bars.pop(spec))

    def tell(self, message: str) -> None:
        self._progress.console.print(f"fusezap: {message}", markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self._progress.stop()


def progress(kernels: int, scenarios: int) -> Shown:
    bars = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return (_Bars if bars else Shown)(kernels, scenarios)


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=8,
    )
