"""Runs start and end while `clean` removes whatever nobody looks after: no run ever loses its folder.

FUSEZAP_TRIES=500 python -m pytest tests/fault/test_clean_at_once.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import prctl
import pytest

from harness.guard.sweep import sweep
from tests.live.conftest import NOTHING, traces

TRIES = int(os.environ.get("FUSEZAP_TRIES", "50"))
_STARTER = """
import sys
from pathlib import Path
from harness.guard import rundir
from harness.guard.client import guarded
for _ in range(int(sys.argv[1])):
    with guarded() as guard:
        assert guard.folder.is_dir(), "removed while its guard lived"
        pid = guard.program([sys.executable, "-c", ""], {}, guard.folder / "log")
        assert (guard.folder / rundir.LOCK).exists(), "removed while its guard lived"
        left = guard.end()
        assert left == (), left
"""


@pytest.fixture(autouse=True)
def subreaper() -> Iterator[None]:
    """Orphans come to us, so that none can hide."""
    prctl.set_child_subreaper(1)
    yield
    prctl.set_child_subreaper(0)


def test_runs_start_and_end_while_clean_runs() -> None:
    argv = [sys.executable, "-P", "-c", _STARTER, str(TRIES // 2)]
    running = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    removed = []
    swept = 0
    try:
        while any(each.poll() is None for each in running):
            removed += [each for each in sweep() if not each.in_use]
            swept += 1
        errors = [each.communicate()[1] for each in running]
    finally:
        for each in running:
            each.kill()
            each.wait()
    assert [each.returncode for each in running] == [0, 0], errors
    assert removed == []
    assert swept > TRIES // 10, "clean ran often enough to meet them"
    assert _nothing_within(5)


def _nothing_within(seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if traces() == NOTHING:
            return True
        time.sleep(0.01)
    return False
