"""The server's journal as rows of a table; of a long one the beginning and the end."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.records import Result
from harness.report.page.lanes import zero_ns
from harness.report.text import visible

_LONGEST = 200
"""Characters of a name or a value; paths may have 4096."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One entry of the journal."""

    seq: str
    ms: str
    """Milliseconds since the kill."""
    event: str
    operation: str
    path: str
    caller: str
    rule: str
    result: str


@dataclass(frozen=True, slots=True)
class JournalTable:
    """The rows that are shown, and how many are not."""

    first: tuple[JournalRow, ...] = ()
    left_out: int = 0
    last: tuple[JournalRow, ...] = ()
    entries: int = 0


def journal_table(result: Result, most: int) -> JournalTable:
    """Show at most `most` entries of the journal: how the run was armed, and what came after the kill."""
    zero = zero_ns(result)
    entries = result.journal
    if len(entries) <= most:
        return JournalTable(tuple(_row(entry, zero) for entry in entries), entries=len(entries))
    head = most // 3
    tail = most - head
    return JournalTable(
        tuple(_row(entry, zero) for entry in entries[:head]),
        len(entries) - most,
        tuple(_row(entry, zero) for entry in entries[len(entries) - tail :]),
        len(entries),
    )


def _row(entry: dict[str, object], zero: int | None) -> JournalRow:
    time = entry.get("time")
    ms = f"{(time - (zero or 0)) / 1e6:.3f}" if isinstance(time, int) else ""
    path = " → ".join(_value(entry[key]) for key in ("path", "other") if entry.get(key) is not None)
    rule = entry.get("spec") if entry.get("spec") is not None else entry.get("rule")
    return JournalRow(
        seq=_value(entry.get("seq")),
        ms=ms,
        event=_value(entry.get("event")),
        operation=_value(entry.get("operation")),
        path=path,
        caller=_caller(entry.get("caller")),
        rule=_value(rule),
        result=_value(entry.get("result")),
    )


def _caller(caller: object) -> str:
    """The caller's TID, after its comm where the journal has one."""
    if isinstance(caller, dict):
        return " ".join(_value(caller.get(key)) for key in ("comm", "tid") if caller.get(key) is not None)
    return _value(caller)


def _value(value: object) -> str:
    text = "" if value is None else str(value)
    return visible(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
