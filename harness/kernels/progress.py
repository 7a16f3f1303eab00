"""Progress of slow operations: a message, or a byte count that a progress bar can draw."""

from __future__ import annotations

from collections.abc import Callable

from harness.record import record, replace


@record(frozen=True, slots=True)
class Bytes:
    """The number of bytes of an operation that are done."""

    what: str
    """The operation, such as `fetching linux-image-6.1.0-56-amd64`."""
    done: int
    total: int

    def __str__(self) -> str:
        return f"{self.what}: {self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB"

    def at(self, done: int) -> Bytes:
        """The same operation with another number of bytes done."""
        return replace(self, done=done)

    @property
    def percent(self) -> int:
        """0 to 100; 100 where there is nothing to do."""
        return self.done * 100 // self.total if self.total else 100


Report = Callable[[str | Bytes], None]
"""The function that a slow operation calls with its progress."""


def at_tenths(show: Callable[[str], None]) -> Report:
    """Reports every message, and byte counts at each 10 % only.

    Args:
        show: Is called with each line of text.

    Returns:
        The function for a slow operation to call.
    """
    shown: dict[str, int] = {}

    def report(progress: str | Bytes) -> None:
        if isinstance(progress, Bytes):
            tenth = progress.percent // 10
            if shown.get(progress.what) == tenth:
                return
            shown[progress.what] = tenth
        show(str(progress))

    return report
