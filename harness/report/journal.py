"""The server's journal, sorted by request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Entry = dict[str, object]


@dataclass(slots=True)
class JournalRequest:
    """A request and the journal's entries of it."""

    called: Entry
    steps: list[Entry] = field(default_factory=list)
    """Entries between call and reply: held, released, …"""
    replied: Entry | None = None


def requests(journal: Iterable[Entry]) -> list[JournalRequest]:
    """Group the entries of a journal by request.

    An entry without a `seq` belongs to the oldest open call of the same operation, path and caller.

    Args:
        journal: Entries; those without a time are left out.

    Returns:
        Requests in the order of their calls.
    """
    found: list[JournalRequest] = []
    opened: dict[object, dict[int, JournalRequest]] = {}
    for number, entry in enumerate(journal):
        if not isinstance(entry.get("time"), int):
            continue
        what = _what(entry)
        if entry.get("event") == "called":
            found.append(JournalRequest(entry))
            for key in (what, (what, entry.get("seq"))):
                opened.setdefault(key, {})[number] = found[-1]
        elif same := opened.get((what, entry.get("seq"))) or opened.get(what):
            first, request = next(iter(same.items()))
            if entry.get("event") == "replied":
                request.replied = entry
                for key in (what, (what, request.called.get("seq"))):
                    del opened[key][first]
            else:
                request.steps.append(entry)
    return found


def _what(entry: Entry) -> tuple[str, ...]:
    """Identify the caller by TID only: its comm may become known between a call and its reply."""
    caller = entry.get("caller")
    number = caller.get("tid") if isinstance(caller, dict) else caller
    return (str(entry.get("operation")), str(entry.get("path")), str(number))


def time_ns(entry: Entry) -> int:
    """Return the time of an entry, in nanoseconds of CLOCK_MONOTONIC; 0 where it has none."""
    time = entry.get("time")
    return time if isinstance(time, int) else 0
