"""The journal: what was asked, what was done about it, and when. JSON lines, and the same in memory.

Each line has `seq` (which request, counted from 0; the same in all lines of a request), `time` (CLOCK_MONOTONIC in
nanoseconds, so it compares with other processes of this machine), `event`, `operation`, `path`, `other` (second path of
a rename or link), `caller` (`tid` in the server's PID namespace, `comm`, `pid_ns`; null where the kernel names none),
`rule` (index of the rule that fired), `spec` (its text: the index alone would not outlive a `set`), `result`.

Events: `called`; `held` and `released` (hang, delay); `died`, the last line that a server with that fault writes;
`replied`, with `result` 0 or -errno, written just before libfuse writes the reply to the device.

The kernel gives the number of the caller for free. Its name and namespace cost system calls: they are in the journal if
a rule had to ask for them, and for each request that is held.
"""

import errno
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Condition
from typing import Any

from fakefs.calls import LiveCaller
from fakefs.errors import FakefsError

EVENTS = ("called", "held", "released", "died", "replied")

#: Entries that stay in memory for `wait`; older ones are in the file alone.
KEPT = 100_000

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Who:
    """A caller as far as it was known when the line was written."""

    tid: int
    comm: str | None = None
    pid_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; see the module for the fields."""

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
    """What is known of a caller already; reads nothing."""
    return Who(caller.tid, *caller.known()) if caller else None


def entry_of(record: dict[str, Any]) -> Entry:
    """The entry of `record()`. Raises KeyError or TypeError for anything else."""
    caller = record["caller"]
    return Entry(**{**record, "caller": Who(**caller) if caller else None})


def parse(text: str) -> tuple[Entry, ...]:
    """The entries of a journal's text. A last line without an end is one still being written, or cut off by the death
    of its writer: it is left out. Raises FakefsError for any other line that is no entry."""
    *lines, _torn = text.split("\n")
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(entry_of(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FakefsError(f"line {number} of the journal is no entry ({error}): {line[:80]!r}") from None
    return tuple(entries)


def read(path: str | os.PathLike[str]) -> tuple[Entry, ...]:
    """The entries of a journal file, in the order in which they were written."""
    with open(path, encoding="ascii", errors="replace") as file:
        return parse(file.read())


class Journal:
    """Where the server writes. Thread safe; no line waits for another's write."""

    def __init__(self, fd: int | None = None) -> None:
        """`fd` was opened with O_APPEND, so that each write(2) lands whole behind the one before."""
        self._fd = fd
        self._condition = Condition()
        self._entries: list[Entry] = []
        self._dropped = 0
        self._waiters = 0
        #: Why lines are no longer written to the file, or None.
        self.broken: str | None = None

    def add(self, entry: Entry) -> None:
        """Stamp the entry with the time, write it, wake whoever waits for it."""
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
            # Writing on after a part of a line would put a broken line into the middle, where no reader forgives it.
            # The filesystem goes on: a full disk beside it is none of its users' business. `status` shows this.
            self.broken = str(error)

    def wait(self, wanted: Callable[[Entry], bool], count: int, timeout: float) -> tuple[Entry, ...]:
        """The first `count` entries that are wanted, waiting for them; fewer if `timeout` seconds passed."""
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
