"""A descriptor table that could not be read: whatever it holds, nobody has seen it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.observe.means import ProbedProcess, Sign


def find(process: ProbedProcess) -> Iterator[Sign]:
    """Yields one sign where the table of the process was not read, with the reason."""
    if process.unread:
        yield Sign(process.pid, f"its descriptor table was not read: {process.unread}")
