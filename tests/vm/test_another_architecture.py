"""A kernel for another processor than this machine's: all of it emulated, below a root of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.kernels import architectures
from tests.conftest import require
from tests.vm.conftest import KERNEL, fusezap

pytestmark = pytest.mark.slow

MACHINE = next(machine for machine in architectures.known() if machine != os.uname().machine)
DEBIAN = architectures.of(MACHINE).DEBIAN


@pytest.fixture(autouse=True)
def emulator() -> None:
    require(architectures.of(MACHINE).EMULATOR)


def test_it_has_the_defect_too(tmp_path: Path) -> None:
    spec = f"{KERNEL}:{DEBIAN}"
    ended = fusezap("run", "--kernel", spec, "exit-flush-self", "--format", "json", "--out", str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    (result,) = json.loads(ended.stdout)["results"]
    assert result["kernel"]["machine"] == MACHINE
    assert result["kernel"]["release"].endswith(f"-{DEBIAN}")
    assert result["outcome"] == "deadlock"
    assert [check["holds"] for check in result["form"]] == [True] * 6
    assert result["leftovers"] == []
    assert fusezap("judge", str(tmp_path / "exit-flush-self/snapshots.json")).returncode == 1


def test_what_is_executed_there_is_found() -> None:
    """Programs that no server runs, such as `zombies`, are started by that machine's Python from files."""
    ended = fusezap("run", "--kernel", f"{KERNEL}:{DEBIAN}", "zombies", "tracer-outside", "--format", "json")
    assert [each["outcome"] for each in json.loads(ended.stdout)["results"]] == ["released", "starved"], ended.stderr


def test_workers_run_there_too() -> None:
    words = ("healthy", "--repeat", "4", "--jobs", "2", "--format", "json")
    ended = fusezap("run", "--kernel", f"{KERNEL}:{DEBIAN}", *words)
    (series,) = json.loads(ended.stdout)["series"]
    assert (series["runs"], series["counts"][0]["outcome"]) == (4, "released"), ended.stderr


def test_without_9p_the_folders_come_over_virtiofs() -> None:
    ended = fusezap("check", "--kernel", f"{KERNEL}:cloud-{DEBIAN}", "exit-flush-self", "healthy")
    assert ended.returncode == 1, ended.stderr
    assert "has the defect: exit-flush-self deadlock, healthy released" in ended.stdout


def test_virtme_ng_takes_none() -> None:
    ended = fusezap("check", "--kernel", f"{KERNEL}:{DEBIAN}", "--engine", "virtme", "healthy")
    assert ended.returncode == 128
    assert f"not for {MACHINE}" in ended.stdout + ended.stderr
