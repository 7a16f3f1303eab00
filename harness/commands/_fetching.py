"""Progress of what is fetched: lines on stderr, or a bar where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from harness.commands._progress import bar
from harness.kernels.progress import Bytes, Report, at_tenths

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def progress_shown() -> Iterator[Report]:
    """The function that a fetch calls with its progress."""
    if sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield at_tenths(lambda message: print(f"fusezap: {message}", file=sys.stderr, flush=True))


@contextmanager
def _bars() -> Iterator[Report]:
    from rich.progress import DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("fusezap: {task.description}", markup=False), DownloadColumn(), TransferSpeedColumn())
    with ExitStack() as drawn:
        bars: dict[str, Progress] = {}

        def report(message: str | Bytes) -> None:
            if not isinstance(message, Bytes):
                drawn.close()  # a bar that is complete stays, above the message
                print(f"fusezap: {message}", file=sys.stderr, flush=True)
                return
            if message.what not in bars:
                drawn.close()  # one bar at a time
                bars[message.what] = drawn.enter_context(bar(*columns, TimeRemainingColumn(), transient=False))
                bars[message.what].add_task(message.what, total=message.total)
            (task,) = bars[message.what].task_ids
            bars[message.what].update(task, completed=message.done)

        yield report
