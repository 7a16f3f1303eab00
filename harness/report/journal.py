"""The server's journal: which lines are of one request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Entry = dict[str, object]


@dataclass(slots=True)
class Request:
    called: Entry
    steps: list[Entry] = field(default_factory=list)
    """What happened to it meanwhile: held, released, …"""
    replied: Entry | None = None


def requests(journal: Iterable[Entry]) -> list[Request]:
    """In the order of the calls; a line without a time is left out.  All lines of a request have its `seq`; where none
    has, the line belongs to the oldest open call of the same operation, path and caller."""
    found: list[Request] = []
    opened: dict[object, dict[int, Request]] = {}
    for number, entry in enumerate(journal):
        if not isinstance(entry.get("time"), int):
            continue
        what = _what(entry)
        if entry.get("event") == "called":
            found.append(Request(entry))
            for key in (what, (what, entry.get("seq"))):
                opened.setdefault(key, {})[number] = found[-1]
        elif alike := opened.get((what, entry.get("seq"))) or opened.get(what):
            first, request = next(iter(alike.items()))
            if entry.get("event") == "replied":
                request.replied = entry
                for key in (what, (what, request.called.get("seq"))):
                    del opened[key][first]
            else:
                request.steps.append(entry)
    return found


def _what(entry: Entry) -> tuple[str, ...]:
    """The caller by its number alone: its name may become known between a call and its answer."""
    caller = entry.get("caller")
    number = caller.get("tid") if isinstance(caller, dict) else caller
    return (str(entry.get("operation")), str(entry.get("path")), str(number))


def time_ns(entry: Entry) -> int:
    time = entry.get("time")
    return time if isinstance(time, int) else 0
