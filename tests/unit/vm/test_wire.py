"""Events of a guest are believed only when they are whole, in turn and well formed."""

from __future__ import annotations

import json

import pytest

from harness.model import events
from harness.model.records import Attempt, Kernel
from harness.vm import wire
from tests.unit.results import result_of, series_of

HELLO = wire.Hello(Kernel("6.1.0", "#1 SMP", "x86_64"), "0.2.0")
HANG = result_of("exit-flush-self")
assert HANG.resolution is not None
EVENTS: tuple[wire.Line, ...] = (
    HELLO,
    events.Began("exit-flush-self", "hangs", 1),
    events.Armed("the file is held open", 7, HANG.verdict.snapshots[0], 31.5),
    events.Killed(7),
    events.Looked(HANG.verdict),
    events.Judged(HANG.verdict, 4.5),
    events.Attempted(Attempt("sigkill", "kill -9 7", "no effect", False)),
    events.Resolved(HANG.resolution),
    events.Kept(7, "fusezap-1", "fusezap clean"),
    events.Counted(HANG),
    events.Counted(None, "not armed"),
    events.Ended(series_of("exit-flush-self", 2)),
    events.Said("word"),
    events.Failed("no"),
    wire.Bye(),
)
TEXT = "".join(wire.line(number, event) for number, event in enumerate(EVENTS)).encode()


def test_every_kind_of_event_is_tried() -> None:
    assert {type(event) for event in EVENTS} == {wire.Hello, wire.Bye, *events.KINDS.values()}


def test_every_event_survives() -> None:
    assert tuple(wire.EventParser().feed(TEXT)) == EVENTS


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_line_may_come_in_pieces(size: int) -> None:
    parser = wire.EventParser()
    found = [event for at in range(0, len(TEXT), size) for event in parser.feed(TEXT[at : at + size])]
    assert tuple(found) == EVENTS


def test_half_a_line_is_no_event() -> None:
    assert wire.EventParser().feed(TEXT[:-1])[-1] != wire.Bye()


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "{}",
        "[0]",
        '[0,"Goodbye",{}]',
        wire.line(1, wire.Bye()),
        wire.line(0, wire.Bye()) * 2,
        '[0,"Began",{"name":1,"summary":"","times":1}]',
        '[0,"Bye",{"more":1}]',
        '[0,"Said",{"message":' + "[" * 100_000 + "]" * 100_000 + "}]",
        '[0,"Began",{"name":"healthy","summary":"","times":' + "9" * 5000 + "}]",
        '[0,"Judged",{"took_ms":NaN}]',
        '[0,"Judged",{"took_ms":1e999}]',
    ],
)
def test_what_no_guest_of_ours_writes_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"not event 0|not event 1|Expecting value|Began.name|unknown field|nested|digits|no number|range",
    ):
        wire.EventParser().feed(text.encode() + b"\n")


def test_a_line_is_a_line() -> None:
    assert wire.line(3, events.Said("two\nlines")).count("\n") == 1
    assert json.loads(wire.line(3, HELLO))[:2] == [3, "Hello"]


def test_a_line_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINE", 1000)
    parser = wire.EventParser()
    parser.feed(b"x" * 600)
    with pytest.raises(ValueError, match="longer than 1000 bytes"):
        parser.feed(b"x" * 600)
