"""What the guest tells: a line of JSON each, numbered, in a file of the folder that host and guest share.

The file is the one thing that the host believes, and it is parsed strictly: a line that is not understood, or out of
turn, means that the machine is lost, never that a run passed.
"""

from __future__ import annotations

import json

from harness.model import bounded_json, codec
from harness.model.records import Attempt, Kernel, Resolution, Result, Series, Snapshot, Verdict
from harness.record import record

ORDERS = "orders"
"""What the guest is to do, as the host wrote it."""
EVENTS = "events"
LINE = 32 << 20
"""Bytes of an event: the evidence of a hundred tasks in a dozen runs has less than one MB."""
REACHED_INIT = "reached-init"
"""The guest's first program has come to run: from here on, what goes wrong is no emulator's stall."""
EVIDENCE = "out"


@record(frozen=True, slots=True)
class Hello:
    """Python runs."""

    kernel: Kernel
    version: str
    """Of fusezap."""


@record(frozen=True, slots=True)
class Began:
    scenario: str
    times: int


@record(frozen=True, slots=True)
class Step:
    """Of the story of a single run: the name of a step, and what a listener is told of it."""

    name: str
    about: str = ""
    init: int = 0
    took_ms: float = 0.0
    snapshot: Snapshot | None = None
    verdict: Verdict | None = None
    attempt: Attempt | None = None
    resolution: Resolution | None = None
    result: Result | None = None


@record(frozen=True, slots=True)
class Counted:
    """A run, or why there was none."""

    result: Result | None
    error: str = ""


@record(frozen=True, slots=True)
class Ended:
    series: Series


@record(frozen=True, slots=True)
class Said:
    """A message for the user."""

    message: str


@record(frozen=True, slots=True)
class Failed:
    """The guest cannot do it at all."""

    error: str
    bug: bool = False
    """Of fusezap's own, and not of the kernel or the machine."""


@record(frozen=True, slots=True)
class Bye:
    """All is done that was ordered, or that could be."""


Event = Hello | Began | Step | Counted | Ended | Said | Failed | Bye
_KINDS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (Hello, Began, Step, Counted, Ended, Said, Failed, Bye)
}


def line(number: int, event: Event) -> str:
    return json.dumps([number, type(event).__name__, codec.encode(event)], separators=(",", ":")) + "\n"


class Parser:
    """Takes the file's bytes as they come; hands out whole events."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._next = 0

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes of the file.

        Args:
            data: as many as there are just now.

        Returns:
            The events whose lines are whole.

        Raises:
            ValueError: no guest of ours has written this, or a line is longer than LINE bytes.
        """
        first, *others = data.split(b"\n")
        self._parts.append(first)
        self._size += len(first)
        if self._size > LINE:
            raise ValueError(f"a line is longer than {LINE} bytes")
        if not others:
            return []
        lines = [b"".join(self._parts), *others[:-1]]
        self._parts, self._size = [others[-1]], len(others[-1])
        return [self._event(each) for each in lines]

    def _event(self, text: bytes) -> Event:
        raw = bounded_json.parse(text, LINE)
        if not isinstance(raw, list) or len(raw) != 3 or raw[0] != self._next or raw[1] not in _KINDS:
            raise ValueError(f"not event {self._next} of a guest: {text[:200]!r}")
        self._next += 1
        return codec.decode(_KINDS[raw[1]], raw[2])
