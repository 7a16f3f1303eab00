"""The options of a command that runs scenarios many times, and how it shows that it goes on."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.model.terms import Outcome
from harness.report import outputs
from harness.run.session import ENDLESS
from harness.scenario import Scenario

if TYPE_CHECKING:
    from rich.progress import Progress

    from harness.model.records import Result, Series
    from harness.report.outputs import Outputs
    from harness.run.tally import Tally

SAY_EVERY_S = 10.0
"""Where no terminal shows a bar."""


def arguments(parser: argparse.ArgumentParser) -> None:
    repeats(parser)
    parser.add_argument("--jobs", metavar="J", type=int, default=1, help="so many runs at a time (default 1)")
    reports(parser)


def repeats(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", metavar="N", type=int, help="run each scenario N times and count the outcomes")


def reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report",
        metavar="FORMAT=FILE",
        action="append",
        default=[],
        help=f"write a report there, as often as wanted; formats: {', '.join(outputs.formats())}",
    )


def formats() -> str:
    """For --help alone: it imports every format."""
    lines = [f"  {name:<10} {outputs.module(name).SUMMARY}" for name in outputs.formats()]
    return "\n".join(("formats:", *lines))


def check(args: argparse.Namespace) -> None:
    """UsageError for numbers that make no sense."""
    if args.repeat is not None and args.repeat < 1:
        raise UsageError("--repeat takes a number from 1 on")
    if args.jobs is not None and not 1 <= args.jobs <= 64:
        raise UsageError("--jobs takes a number from 1 to 64")


def share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


class Counter:
    """Watches a session: shows its progress, collects its series, streams its runs."""

    def __init__(self, out: Outputs, told: bool) -> None:
        """`told`: one at a time, and each told by itself, so that no progress is to be shown."""
        self.series: list[Series] = []
        self._out = out
        self._told = told
        self._progress: Progress | None = None
        self._since = time.monotonic()

    def began(self, scenario: Scenario, times: int) -> None:
        if self._told:
            return
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            self._progress = _bar()
            self._progress.start()
            total = times if times < ENDLESS else None
            self._progress.add_task(scenario.name, total=total, seen="")

    def counted(self, tally: Tally, result: Result | None) -> None:
        if result is not None:
            self._out.counted(result)
        seen = ", ".join(f"{tally.count(each)} {each}" for each in Outcome if tally.count(each))
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[-1], advance=1, seen=seen)
        elif not self._told and time.monotonic() - self._since > SAY_EVERY_S:
            self._since = time.monotonic()
            print(f"fusezap: {tally.about.name}: {seen}", file=sys.stderr, flush=True)

    def ended(self, series: Series) -> None:
        self.series.append(series)
        self.stop()

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[seen]}"),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=8,
    )
