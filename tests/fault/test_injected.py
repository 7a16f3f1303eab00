"""An exception at a random call of every process of the program: a message, a status for errors, and nothing left.

FUSEZAP_TRIES=200 python -m pytest tests/fault/test_injected.py
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import prctl
import pytest

from harness.guard.sweep import sweep
from tests.fault.test_killed import descendants
from tests.live.conftest import NOTHING, traces

INJECTED = Path(__file__).parent / "injected"
CHECKOUT = INJECTED.parents[2]
RECORDED = CHECKOUT / "tests" / "data" / "6.18" / "exit-flush-self.json"


class Entry(NamedTuple):
    """A command, the process of it that fails, and what it may end with."""

    arguments: tuple[str, ...]
    role: str
    errors: frozenset[int]
    right: frozenset[int]
    """Its answers, where the failure cost no more than something that it can do without; of `diagnose`, any, for others
    may have hangs here."""
    calls: int
    """About as many as that process makes; some are beyond the end."""


TRIES = int(os.environ.get("FUSEZAP_TRIES", "21"))
MAIN, WORKER = "harness", "harness.run.worker"
ENTRIES = (
    Entry(("check", "healthy"), MAIN, frozenset({125, 128, 255}), frozenset({0}), 3000),
    Entry(("check", "exit-flush-self"), MAIN, frozenset({125, 128, 255}), frozenset({1}), 5000),
    Entry(("check", "healthy", "--repeat", "2"), WORKER, frozenset({125, 128, 255}), frozenset({0}), 5000),
    Entry(("run", "healthy", "--format", "json"), MAIN, frozenset({1, 2, 3}), frozenset({0}), 4000),
    Entry(("judge", str(RECORDED)), MAIN, frozenset({3}), frozenset({1}), 2500),
    Entry(("diagnose", "--json"), MAIN, frozenset({3}), frozenset({0, 1, 2}), 6000),
    Entry(("list",), MAIN, frozenset({2, 3}), frozenset({0}), 1200),
)


@pytest.fixture(autouse=True)
def subreaper() -> Iterator[None]:
    """Orphans come to us, so that none can hide."""
    prctl.set_child_subreaper(1)
    yield
    prctl.set_child_subreaper(0)


def test_an_exception_at_a_random_call(tmp_path: Path) -> None:
    moments = random.Random(os.environ.get("FUSEZAP_SEED", "16"))
    hit = 0
    for number in range(TRIES):
        entry = ENTRIES[number % len(ENTRIES)]
        call = int(entry.calls ** moments.uniform(0.3, 1))
        record = tmp_path / f"hit-{number}"
        ended = _run(entry, call, record)
        where = record.read_text() if record.exists() else ""
        what = f"{entry.arguments}, call {call} of {entry.role}: {where}status {ended.returncode}\n{ended.stderr}"
        hit += bool(where)
        if not where:
            assert ended.returncode in entry.right, what
            continue
        if ended.returncode not in entry.right:
            assert ended.returncode in entry.errors, what
            assert "InjectedError" in ended.stderr + ended.stdout, what
        else:
            _assert_whole(entry, ended, what)
        assert _nothing_left(), f"{what}\n{traces()} {descendants()}"
    assert hit > TRIES // 2, "most of the calls come to be made"


def _run(entry: Entry, call: int, record: Path) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PYTHONPATH": f"{INJECTED}:{CHECKOUT}",
        "FUSEZAP_INJECT": f"{entry.role} {call} {record}",
    }
    argv = [sys.executable, "-P", "-m", "harness", *entry.arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=90, check=False)


def _assert_whole(entry: Entry, ended: subprocess.CompletedProcess[str], what: str) -> None:
    """The right answer after a failure is right only where it is told in full, and the failure with it."""
    if "json" in entry.arguments or "--json" in entry.arguments:
        json.loads(ended.stdout)
    assert ended.stdout, what
    assert "InjectedError" in ended.stderr, what


def _nothing_left() -> bool:
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if not descendants() and traces() == NOTHING:
            return True
        with contextlib.suppress(OSError):
            list(sweep())
        time.sleep(0.02)
    return False
