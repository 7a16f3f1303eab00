"""How a person hears of what takes its time: lines on stderr, and a bar where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.telling import Part, at_tenths


@contextmanager
def told() -> Iterator[Callable[[str], None]]:
    """What hears of it."""
    if sys.stderr.isatty():
        with _drawn() as tell:
            yield tell
    else:
        yield at_tenths(lambda message: print(f"fusezap: {message}", file=sys.stderr, flush=True))


@contextmanager
def _drawn() -> Iterator[Callable[[str], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("fusezap: {task.description}"), BarColumn(), DownloadColumn())
    console = Console(stderr=True, highlight=False)
    progress = Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console)
    bars = {}

    def tell(message: str) -> None:
        if not isinstance(message, Part):
            console.print(f"fusezap: {message}", markup=False, soft_wrap=True)
            return
        if message.what not in bars:
            progress.start()
            bars[message.what] = progress.add_task(message.what, total=message.total)
        progress.update(bars[message.what], completed=message.done)

    try:
        yield tell
    finally:
        progress.stop()
