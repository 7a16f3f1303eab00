"""Explains reports as they come: a report is over when a line of something else, or nothing for a while, follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.explain.read import Reader
from harness.explain.records import Paste

_BEGINS = (
    "blocked for more than",
    "Show Blocked State",
    "soft lockup",
    "detected stall",
    "kthread starved",
    "unregister_netdevice: waiting",
)
_LONGEST = 2000
"""Lines of one report, at the most: then it is explained as far as it has come."""


def follow(blocks: Iterable[bytes], say: Callable[[Paste], None]) -> int:
    """Reads until the input ends.

    Args:
        blocks: What the input gives, cut anywhere.
        say: Is called with each report.

    Returns:
        0 where a report came, 1 where none did.
    """
    reports = Reports(say)
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            reports.feed(record(line.decode(errors="replace")))
    if rest:
        reports.feed(record(rest.decode(errors="replace")))
    reports.end()
    return 0 if reports.count else 1


def record(line: str) -> str:
    """`6,1234,5678,-;text` of /dev/kmsg → `text`."""
    head, semicolon, text = line.partition(";")
    return text if semicolon and head[:1].isdigit() and head.count(",") >= 3 and "+0x" not in head else line


class Reports:
    """Cuts a stream of lines into reports.  A stack that ends is a report; those of the same second are one."""

    def __init__(self, say: Callable[[Paste], None]) -> None:
        self._say = say
        self._reader: Reader | None = None
        self._lines = 0
        self._silent = 0
        self.count = 0

    def feed(self, line: str) -> None:
        begins = any(each in line for each in _BEGINS)
        if self._reader is None:
            if not begins:
                return
            self._reader, self._lines, self._silent = Reader(), 0, 0
        self._reader.feed(line)
        self._lines += 1
        self._silent = 0 if begins or "+0x" in line or "state:" in line or "TASK>" in line else self._silent + 1
        if self._silent > 8 or self._lines > _LONGEST or "</TASK>" in line:
            self.end()

    def end(self) -> None:
        """The report is over."""
        if self._reader is None:
            return
        paste = self._reader.paste()
        self._reader = None
        if paste.tasks or paste.messages:
            self.count += 1
            self._say(paste)
