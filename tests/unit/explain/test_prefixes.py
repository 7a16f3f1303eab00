"""Each form of prefix is taken off, and what is none stays."""

from __future__ import annotations

import pytest

from harness import registry
from harness.explain import lines, prefixes

MODULES = registry.modules(prefixes, "ORDER", "PATTERN", "EXAMPLES")


@pytest.mark.parametrize(
    ("form", "example"), [(module.__name__.rsplit(".", 1)[1], each) for module in MODULES for each in module.EXAMPLES]
)
def test_it_is_taken_off(form: str, example: str) -> None:
    rest = "" if form == "pstore" else "request_wait_answer+0x12f/0x290 [fuse]"
    assert lines.stripped(example + rest) == rest


@pytest.mark.parametrize(
    "line",
    [
        "INFO: task systemd:1465 blocked for more than 120 seconds.",
        "[<ffffffff8168c169>] schedule+0x29/0x70",
        "[<0>] request_wait_answer+0x12b/0x210 [fuse]",
        "task:runc:[1:CHILD]  state:D stack:0",
        "kworker/u8:0    D    0     5      2 0x00000000",
        "5 D root 14378 13862 0 80 0 - 269979 refrig Sep30 ? 00:00:00 /usr/local/bin/runc init",
        "#0 [ffffb8d0c0a3fd58] __schedule at ffffffff9b2d0c4b",
    ],
)
def test_what_is_none_stays(line: str) -> None:
    assert lines.stripped(line) == line


def test_every_form_has_an_order_of_its_own() -> None:
    orders = [module.ORDER for module in MODULES]
    assert len(set(orders)) == len(orders)
