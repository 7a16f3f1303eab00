"""The processes below the guard."""

from __future__ import annotations

import os

import pytest

from harness.guard import cleanup
from harness.linux import procfs


def test_a_chain_of_any_length_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of the user's may fork so; each link is killed at the end."""
    first = 1 << 24
    last = first + 5000

    def child(tid: int, tgid: int) -> tuple[int, ...]:
        del tgid
        return () if tid == last else (first if tid < first else tid + 1,)

    monkeypatch.setattr(procfs, "tids", lambda pid: [pid])
    monkeypatch.setattr(procfs, "read_children", child)
    assert cleanup.descendants() == list(range(first, last + 1))
    assert os.getpid() not in cleanup.descendants()


def test_one_that_ends_meanwhile_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def tids(pid: int) -> list[int]:
        if pid == 2:
            raise ProcessLookupError
        return [pid]

    monkeypatch.setattr(procfs, "tids", tids)
    monkeypatch.setattr(procfs, "read_children", lambda tid, _: {os.getpid(): (2, 3), 3: (4,)}.get(tid, ()))
    assert cleanup.descendants() == [2, 3, 4]
