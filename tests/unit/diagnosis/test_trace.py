"""Lines of trace_pipe, as 6.1 and 6.18 print them."""

from __future__ import annotations

import pytest

from harness.diagnosis.trace import Event, parse_line


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "     sh-1234  [001] d..1.   314.159265: signal_generate: sig=9 errno=0 code=0 comm=sleep pid=77",
            Event(314.159265, 1234, "sh", "signal_generate", "sig=9 errno=0 code=0 comm=sleep pid=77"),
        ),
        (
            "  kworker/0:1-a-b-12      [000] .....     2.000001: sched_process_exit: comm=x pid=12 prio=120",
            Event(2.000001, 12, "kworker/0:1-a-b", "sched_process_exit", "comm=x pid=12 prio=120"),
        ),
        (
            " two words-5 [000] ...1. 7.5: fuse_request_send: connection 41 req 8 opcode 25 (FUSE_FLUSH) len 64 ",
            Event(7.5, 5, "two words", "fuse_request_send", "connection 41 req 8 opcode 25 (FUSE_FLUSH) len 64"),
        ),
    ],
)
def test_a_line_is_an_event(line: str, event: Event) -> None:
    assert parse_line(line) == event


@pytest.mark.parametrize("line", ["", "CPU:0 [LOST 3 EVENTS]", "# tracer: nop"])
def test_what_is_none_is_none(line: str) -> None:
    assert parse_line(line) is None
