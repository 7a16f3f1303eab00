"""The journal: every request, the server's reaction to it, and their times. It is kept as JSON lines and in memory.

Each line has these fields:

- `seq`: The number of the request, from 0; the same in all lines of a request.
- `time`: CLOCK_MONOTONIC in nanoseconds, which can be compared with other processes of this machine.
- `event`: `called`; `held` and `released`, by the faults `hang` and `delay`; `died`, the last line of a server with
  the fault `die`; `replied`, written just before libfuse writes the reply to the device.
- `operation`, `path`, and `other`, the second path of a rename or a link.
- `caller`: `tid` in the server's PID namespace, `comm` and `pid_ns`; null if the kernel names no caller. The name and
  the namespace cost system calls, so they are null unless a rule needed them or the request was held.
- `rule`: The index of the rule that fired, and `spec`: its text, because a `set` changes the indices.
- `result`: 0 or -errno, in `replied`.
"""

import errno
import json
import os
import time
from collections.abc import Callable, Iterable
from threading import Condition
from typing import Any

from fakefs.calls import LiveCaller
from fakefs.errors import FakefsError
from fakefs.record import record, replace

EVENTS = ("called", "held", "released", "died", "replied")

#: Number of entries that stay in memory for `wait`. Older ones are only in the file.
KEPT = 100_000

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@record(frozen=True, slots=True)
class Who:
    """The caller of a request. None stands for a value that was not known when the line was written."""

    tid: int
    comm: str | None = None
    pid_ns: int | None = None


@record(frozen=True, slots=True)
class Entry:
    """One line of the journal; the module's docstring describes the fields."""

    seq: int
    time: int
    event: str
    operation: str
    path: str | None = None
    other: str | None = None
    caller: Who | None = None
    rule: int | None = None
    spec: str | None = None
    result: int | None = None

    def record(self) -> dict[str, Any]:
        """The entry as JSON's types."""
        caller = self.caller
        return {
            "seq": self.seq,
            "time": self.time,
            "event": self.event,
            "operation": self.operation,
            "path": self.path,
            "other": self.other,
            "caller": caller and {"tid": caller.tid, "comm": caller.comm, "pid_ns": caller.pid_ns},
            "rule": self.rule,
            "spec": self.spec,
            "result": self.result,
        }


def who(caller: LiveCaller | None) -> Who | None:
    """The record of a caller. Reads nothing about it that is not known yet."""
    return Who(caller.tid, *caller.known()) if caller else None


def entry_of(record: dict[str, Any]) -> Entry:
    """The entry that `Entry.record` made. Raises KeyError or TypeError if `record` is not one."""
    caller = record["caller"]
    return Entry(**{**record, "caller": Who(**caller) if caller else None})


def parse(text: str) -> tuple[Entry, ...]:
    """Parse the text of a journal.

    A last line without a newline is left out: the server is still writing it, or died while it did.

    Raises:
        FakefsError: Another line is not an entry.
    """
    *lines, _torn = text.split("\n")
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(entry_of(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FakefsError(f"line {number} of the journal is not an entry ({error}): {line[:80]!r}") from None
    return tuple(entries)


def read(path: str | os.PathLike[str]) -> tuple[Entry, ...]:
    """The entries of a journal file, in the order of writing. Raises OSError, or FakefsError as `parse`."""
    with open(path, encoding="ascii", errors="replace") as file:
        return parse(file.read())


class Journal:
    """The journal of a server. Thread safe; a line does not wait for the write of another."""

    def __init__(self, fd: int | None = None) -> None:
        """
        Args:
            fd: A file opened with O_APPEND, so that each write(2) adds a whole line. None: keep no file.
        """
        self._fd = fd
        self._condition = Condition()
        self._entries: list[Entry] = []
        self._dropped = 0
        self._waiters = 0
        #: The error after which the journal writes no lines to the file any more, or None.
        self.broken: str | None = None

    def add(self, entry: Entry) -> None:
        """Set the time of an entry, write it, and wake the threads in `wait`."""
        entry = replace(entry, time=time.monotonic_ns())
        self._write(entry)
        with self._condition:
            self._entries.append(entry)
            if len(self._entries) > 2 * KEPT:
                del self._entries[:KEPT]
                self._dropped += KEPT
            if self._waiters:
                self._condition.notify_all()

    def _write(self, entry: Entry) -> None:
        if self._fd is None or self.broken is not None:
            return
        line = _encode(entry.record()).encode("ascii") + b"\n"
        try:
            if os.write(self._fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            # A line after part of another one would make a broken line in the middle, which no reader accepts. The
            # filesystem continues, because a full disk elsewhere does not concern its users. `status` shows the error.
            self.broken = str(error)

    def wait(self, wanted: Callable[[Entry], bool], count: int, timeout: float) -> tuple[Entry, ...]:
        """Wait for entries. Entries that exist already count as well.

        Args:
            wanted: Returns whether an entry counts.
            count: The number of entries to wait for.
            timeout: Seconds to wait.

        Returns:
            The first `count` entries that are wanted; fewer if the time ran out.
        """
        deadline = time.monotonic() + timeout
        found: list[Entry] = []
        position = 0
        with self._condition:
            self._waiters += 1
            try:
                while True:
                    new = self._entries[max(0, position - self._dropped) :]
                    position = self._dropped + len(self._entries)
                    found += _first(filter(wanted, new), count - len(found))
                    left = deadline - time.monotonic()
                    if len(found) >= count or left <= 0:
                        return tuple(found)
                    self._condition.wait(left)
            finally:
                self._waiters -= 1


def _first(entries: Iterable[Entry], count: int) -> list[Entry]:
    return [entry for entry, _ in zip(entries, range(count), strict=False)]
