"""Progress on stderr: bars on a terminal, else lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.model.events import Began, Ended, Failed, Said

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

    from harness.matrix.job import JobEvent, KernelFound


def on_terminal() -> bool:
    """True if stderr is a terminal that can draw a bar."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def teller(what: str) -> Callable[[str], None]:
    """A function that prints a line of progress on stderr, with what it is about before it."""
    return lambda text: print(f"{what}: {text}", file=sys.stderr, flush=True)


def bar(*columns: ProgressColumn, transient: bool = True) -> Progress:
    """A progress bar on stderr.

    Args:
        columns: What stands beside the bar; the first one stands before it.
        transient: Remove the bar at the end.

    Returns:
        The bar; a task of it is made by `add_task`, and it is drawn between `start` and `stop`.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress

    first, *others = columns
    console = Console(stderr=True, highlight=False, emoji=False)
    return Progress(first, BarColumn(), *others, console=console, transient=transient, refresh_per_second=8)


def count_bar() -> Progress:
    """A bar for things that are counted; the field `note` of a task says more of it."""
    from rich.progress import MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return bar(
        TextColumn("{task.description}", markup=False),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", markup=False),
    )


class MatrixProgress:
    """Consumes the events of a matrix: a line for each kernel."""

    def __init__(self, kernels: int, scenarios: int) -> None:
        self._kernels = kernels
        self._scenarios = scenarios
        self._names: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._cells: dict[str, int] = {}
        self._reported: set[str] = set()
        """Kernels of which no more is to be printed."""

    def take(self, spec: str, event: JobEvent | None) -> None:
        """Consume one event of a job; None: the job has ended."""
        match event:
            case None:
                self._end(spec)
            case Said(message=message):
                self._print(message if message.startswith(spec) else f"{spec}: {message}")
            case Failed(error=error):
                self._reported.add(spec)
                self._print(f"{spec}: {error}")
            case Began():
                self._begin(spec, event.name)
            case Ended():
                self._cell(spec)
            case _:
                self._find(spec, event)

    def stop(self) -> None:
        """Show nothing more."""

    def _find(self, spec: str, event: KernelFound) -> None:
        release = event.image.release
        self._names[spec] = spec if spec == release else f"{spec} ({release})"
        self._cells[spec] = event.known
        self._since[spec] = time.monotonic()
        if event.known:
            self._print(f"{self._names[spec]}: {event.known} of {self._scenarios} cells are known already")
        if event.known == self._scenarios:
            self._reported.add(spec)

    def _begin(self, spec: str, scenario: str) -> None:
        """A scenario begins: there is no line for it."""

    def _cell(self, spec: str) -> None:
        self._cells[spec] += 1

    def _end(self, spec: str) -> None:
        if spec in self._since.keys() - self._reported:
            took = time.monotonic() - self._since[spec]
            self._print(f"{self._names[spec]}: {self._cells[spec]} of {self._scenarios} cells, {took:.1f} s")

    def _print(self, message: str) -> None:
        print(f"fusezap: {message}", file=sys.stderr, flush=True)


class _MatrixBars(MatrixProgress):
    """A bar for the whole matrix, and one for each kernel under way."""

    def __init__(self, kernels: int, scenarios: int) -> None:
        super().__init__(kernels, scenarios)
        self._bar = count_bar()
        self._all = self._bar.add_task("all", total=kernels * scenarios, note="")
        self._tasks: dict[str, TaskID] = {}
        self._bar.start()

    def stop(self) -> None:
        self._bar.stop()

    def _find(self, spec: str, event: KernelFound) -> None:
        super()._find(spec, event)
        name = self._names[spec]
        self._tasks[spec] = self._bar.add_task(name, total=self._scenarios, completed=event.known, note="starting")
        self._bar.update(self._all, advance=event.known)

    def _begin(self, spec: str, scenario: str) -> None:
        self._bar.update(self._tasks[spec], note=scenario)

    def _cell(self, spec: str) -> None:
        super()._cell(spec)
        self._bar.update(self._tasks[spec], advance=1)
        self._bar.update(self._all, advance=1)

    def _end(self, spec: str) -> None:
        super()._end(spec)
        if spec in self._tasks:
            self._bar.remove_task(self._tasks.pop(spec))

    def _print(self, message: str) -> None:
        self._bar.console.print(f"fusezap: {message}", markup=False, highlight=False, soft_wrap=True)


def matrix_progress(kernels: int, scenarios: int) -> MatrixProgress:
    """The display of a matrix with so many kernels and scenarios."""
    return (_MatrixBars if on_terminal() else MatrixProgress)(kernels, scenarios)
