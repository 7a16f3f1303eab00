"""What a guest tells is believed only when it is whole, in turn and well formed."""

from __future__ import annotations

import json

import pytest

from harness.model.records import Kernel
from harness.vm import wire
from tests.unit.results import result_of, series_of

HELLO = wire.Hello(Kernel("6.1.0", "#1 SMP", "x86_64"), "0.2.0")
EVENTS: tuple[wire.Event, ...] = (
    HELLO,
    wire.Began("exit-flush-self", 1),
    wire.Step("finished", result=result_of("exit-flush-self")),
    wire.Counted(result_of("healthy")),
    wire.Ended(series_of("exit-flush-self", 2)),
    wire.Said("word"),
    wire.Failed("no"),
    wire.Bye(),
)
TEXT = "".join(wire.line(number, event) for number, event in enumerate(EVENTS)).encode()


def test_every_event_survives() -> None:
    assert tuple(wire.Parser().feed(TEXT)) == EVENTS


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_line_may_come_in_pieces(size: int) -> None:
    parser = wire.Parser()
    found = [event for at in range(0, len(TEXT), size) for event in parser.feed(TEXT[at : at + size])]
    assert tuple(found) == EVENTS


def test_half_a_line_is_no_event() -> None:
    assert wire.Parser().feed(TEXT[:-1])[-1] != wire.Bye()


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "{}",
        "[0]",
        '[0,"Goodbye",{}]',
        wire.line(1, wire.Bye()),
        wire.line(0, wire.Bye()) * 2,
        '[0,"Began",{"scenario":1,"times":1}]',
        '[0,"Bye",{"more":1}]',
        '[0,"Said",{"message":' + "[" * 100_000 + "]" * 100_000 + "}]",
        '[0,"Began",{"scenario":"healthy","times":' + "9" * 5000 + "}]",
        '[0,"Step",{"name":"armed","took_ms":NaN}]',
        '[0,"Step",{"name":"armed","took_ms":1e999}]',
    ],
)
def test_what_no_guest_of_ours_writes_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"not event 0|not event 1|Expecting value|Began.scenario|unknown field|nested|digits|no number|range",
    ):
        wire.Parser().feed(text.encode() + b"\n")


def test_a_line_is_a_line() -> None:
    assert wire.line(3, wire.Said("two\nlines")).count("\n") == 1
    assert json.loads(wire.line(3, HELLO))[:2] == [3, "Hello"]


def test_a_line_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LINE", 1000)
    parser = wire.Parser()
    parser.feed(b"x" * 600)
    with pytest.raises(ValueError, match="longer than 1000 bytes"):
        parser.feed(b"x" * 600)
