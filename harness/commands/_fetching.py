"""How a person hears of what takes its time: lines on stderr, and a bar where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from harness.kernels.progress import Part, at_tenths


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

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("fusezap: {task.description}", markup=False), BarColumn(), DownloadColumn())
    with ExitStack() as drawn:
        bars: dict[str, Progress] = {}

        def tell(message: str) -> None:
            if not isinstance(message, Part):
                drawn.close()  # what is whole stays as it is, above the message
                console.print(f"fusezap: {message}", markup=False, soft_wrap=True)
                return
            if message.what not in bars:
                drawn.close()  # one at a time
                bar = Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console)
                bars[message.what] = drawn.enter_context(bar)
                bar.add_task(message.what, total=message.total)
            (task,) = bars[message.what].task_ids
            bars[message.what].update(task, completed=message.done)

        yield tell
