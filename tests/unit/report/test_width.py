"""The width of a text."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from harness.report.text import columns, cut, duration
from harness.report.width import width_of_terminal


def terminals(*descriptors: int) -> Callable[[int], os.terminal_size]:
    def size(descriptor: int) -> os.terminal_size:
        if descriptor not in descriptors:
            raise OSError("no terminal")
        return os.terminal_size((90 + descriptor, 24))

    return size


def test_columns_comes_before_any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    monkeypatch.setattr(os, "get_terminal_size", terminals(1))
    assert width_of_terminal(160) == 77


@pytest.mark.parametrize(("descriptors", "width"), [((1, 2), 91), ((2,), 92), ((0,), 90), ((), 160)])
def test_a_pipe_is_as_wide_as_the_terminal_of_its_reader(
    monkeypatch: pytest.MonkeyPatch, descriptors: tuple[int, ...], width: int
) -> None:
    monkeypatch.setenv("COLUMNS", "many")
    monkeypatch.setattr(os, "get_terminal_size", terminals(*descriptors))
    assert width_of_terminal(160) == width


def test_durations_have_two_units() -> None:
    assert [duration(each) for each in (0.25, 61, 7261, 90061)] == ["0.2 s", "1 min 1 s", "2 h 1 min", "1 d 1 h"]


def test_columns_are_aligned_and_long_texts_cut() -> None:
    assert columns([("a", "bcd"), ("ef", "g")]) == ["a   bcd", "ef  g  "]
    assert columns([]) == []
    assert (cut("abcdef", 6), cut("abcdef", 4)) == ("abcdef", "abc…")
