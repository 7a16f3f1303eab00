"""Runs beside each other do not disturb each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.bench.bench_soak import EXPECTED, soak
from tests.live.conftest import Fusezap


def test_twenty_at_once_are_all_judged_right() -> None:
    argv = [sys.executable, "-P", "-m", "harness", "run", "--format", "json"]
    wanted = {"exit-flush-self": "deadlock", "healthy": "released"}
    names = [name for _ in range(10) for name in wanted]
    running = [subprocess.Popen([*argv, name], stdout=subprocess.PIPE, text=True) for name in names]
    documents = [json.loads(each.communicate(timeout=120)[0]) for each in running]
    assert [each.returncode for each in running] == [0] * len(running)
    for name, document in zip(names, documents, strict=True):
        (result,) = document["results"]
        assert result["outcome"] == wanted[name], result["reasons"]
        assert result["leftovers"] == []


@pytest.mark.slow
def test_many_runs_two_at_a_time_are_all_judged_right() -> None:
    for name, outcome in EXPECTED.items():
        found = soak(name, 100, 2)
        assert (found["outcomes"], found["errors"], found["left_behind"]) == ({outcome: 100}, 0, 0), name


def test_a_device_that_serves_no_connection_is_nobodys_answer(fusezap: Fusezap) -> None:
    """Any program may have /dev/fuse open before it mounts; on kernels whose fdinfo names connections that is seen."""
    device = os.open("/dev/fuse", os.O_RDWR)
    try:
        done = fusezap("run", "--format", "json")
    finally:
        os.close(device)
    (result,) = json.loads(done.stdout)["results"]
    assert result["outcome"] == "deadlock", result["reasons"]
