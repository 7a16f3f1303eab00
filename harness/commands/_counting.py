"""The options of a command that runs scenarios many times, and the count of its runs."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from harness.commands._progress import count_bar, on_terminal
from harness.errors import UsageError
from harness.model.events import Began, Counted, Ended, Event
from harness.model.terms import Outcome
from harness.report import outputs
from harness.run.session import ENDLESS

if TYPE_CHECKING:
    from rich.progress import Progress

    from harness.model.records import Series

REPORT_EVERY_S = 10.0
"""Seconds between two lines of progress, where no terminal shows a bar."""


def arguments(parser: argparse.ArgumentParser) -> None:
    repeats(parser)
    parser.add_argument("--jobs", metavar="J", type=int, default=1, help="number of runs at a time (default 1)")
    reports(parser)


def repeats(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repeat", metavar="N", type=int, help="run each scenario N times and count the outcomes")


def reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report",
        metavar="FORMAT=FILE",
        action="append",
        default=[],
        help=f"write a report there; repeatable; formats: {', '.join(outputs.formats())}",
    )


def formats() -> str:
    """The list of the formats, for --help: it imports each of them."""
    lines = [f"  {name:<10} {outputs.module(name).SUMMARY}" for name in outputs.formats()]
    return "\n".join(("formats:", *lines))


def check(args: argparse.Namespace) -> None:
    """Raise UsageError for numbers out of their range."""
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
    """Consumes the events of a session: collects the series, and shows on stderr how many runs have ended."""

    def __init__(self, shown: bool) -> None:
        """`shown`: show the progress; False where each run is shown by itself."""
        self.series: list[Series] = []
        self._shown = shown
        self._name = ""
        self._seen: dict[Outcome, int] = {}
        self._bar: Progress | None = None
        self._since = time.monotonic()

    def take(self, event: Event) -> None:
        """Consume one event of the session."""
        match event:
            case Began():
                self._begin(event)
            case Counted(result=result):
                if result is not None:
                    outcome = result.verdict.outcome
                    self._seen[outcome] = self._seen.get(outcome, 0) + 1
                self._show()
            case Ended(series=series):
                self.series.append(series)
                self.stop()

    def stop(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _begin(self, event: Began) -> None:
        self._name, self._seen = event.name, {}
        if self._shown and on_terminal():
            self._bar = count_bar()
            self._bar.start()
            self._bar.add_task(event.name, total=event.times if event.times < ENDLESS else None, note="")

    def _show(self) -> None:
        seen = ", ".join(f"{self._seen[each]} {each}" for each in Outcome if each in self._seen)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[-1], advance=1, note=seen)
        elif self._shown and time.monotonic() - self._since > REPORT_EVERY_S:
            self._since = time.monotonic()
            print(f"fusezap: {self._name}: {seen}", file=sys.stderr, flush=True)
