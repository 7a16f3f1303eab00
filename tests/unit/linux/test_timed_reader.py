"""Readers that wait for ever are left behind, and cost the others nothing."""

from __future__ import annotations

import threading
import time

import pytest

from harness.linux.timed_reader import read_each


def test_everything_is_read() -> None:
    assert read_each(range(5), lambda number: number * 2) == ({0: 0, 1: 2, 2: 4, 3: 6, 4: 8}, (), ())


def test_nothing_to_read() -> None:
    assert read_each([], lambda number: number) == ({}, (), ())


def test_two_hundred_that_hang_cost_what_one_does() -> None:
    never = threading.Event()

    def read(number: int) -> int:
        if number % 2:
            never.wait()
        return number

    began = time.monotonic()
    done, stuck, unreached = read_each(range(400), read, slowest_s=0.4)
    took = time.monotonic() - began
    never.set()
    assert sorted(done) == list(range(0, 400, 2))
    assert sorted((*stuck, *unreached)) == list(range(1, 400, 2))
    assert not unreached
    assert took < 3


def test_what_a_reader_raises_is_raised() -> None:
    def read(number: int) -> int:
        raise PermissionError(number)

    with pytest.raises(PermissionError):
        read_each([1, 2], read)
