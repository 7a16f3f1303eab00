"""The guest's events on their way to the host: a line of JSON each, numbered, in a file of the shared folder.

The file is the one thing that the host believes, and it is parsed strictly: a line that does not parse, or out of turn,
means that the machine is lost, never that a run passed.
"""

from __future__ import annotations

import json

from harness.model import bounded_json, codec, events
from harness.model.events import Event
from harness.model.records import Kernel
from harness.record import record

REQUEST = "request"
"""The host's request to the guest, pickled."""
EVENTS = "events"
MAX_LINE = 32 << 20
"""Bytes of an event: the evidence of a hundred tasks in a dozen runs has less than one MB."""
REACHED_INIT = "reached-init"
"""A file that the guest's first program makes: what goes wrong from there on is no stall of the emulator."""
EVIDENCE = "out"


@record(frozen=True, slots=True)
class Hello:
    """Python runs in the guest."""

    kernel: Kernel
    version: str
    """Version of fusezap."""


@record(frozen=True, slots=True)
class Bye:
    """The guest has nothing more to do."""


Line = Hello | Event | Bye
_KINDS: dict[str, type[Line]] = {"Hello": Hello, **events.KINDS, "Bye": Bye}


def line(number: int, event: Line) -> str:
    """The line of an event, with its newline; `number` counts from 0."""
    return json.dumps([number, type(event).__name__, codec.encode(event)], separators=(",", ":")) + "\n"


class EventParser:
    """Takes the file's bytes as they come; hands out whole events."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._next = 0

    def feed(self, data: bytes) -> list[Line]:
        """Take the next bytes of the file.

        Args:
            data: as many as there are just now.

        Returns:
            The events whose lines are whole.

        Raises:
            ValueError: no guest of ours has written this, or a line is longer than MAX_LINE bytes.
        """
        first, *others = data.split(b"\n")
        self._parts.append(first)
        self._size += len(first)
        if self._size > MAX_LINE:
            raise ValueError(f"a line is longer than {MAX_LINE} bytes")
        if not others:
            return []
        lines = [b"".join(self._parts), *others[:-1]]
        self._parts, self._size = [others[-1]], len(others[-1])
        return [self._event(each) for each in lines]

    def _event(self, text: bytes) -> Line:
        raw = bounded_json.parse(text, MAX_LINE)
        if not isinstance(raw, list) or len(raw) != 3 or raw[0] != self._next or raw[1] not in _KINDS:
            raise ValueError(f"not event {self._next} of a guest: {text[:200]!r}")
        self._next += 1
        return codec.decode(_KINDS[raw[1]], raw[2])
