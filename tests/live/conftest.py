"""Live tests make the hang on this kernel, and prove after each test that nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.guard import rundir
from harness.guard.sweep import mounted_runs
from harness.linux import features, procfs
from harness.linux.cgroup import groups

Fusezap = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True, scope="session")
def machine() -> None:
    """Every reason at once, not the first."""
    missing = [*features.missing()]
    if os.geteuid() != 0:
        missing.append("root: stacks and abort files are read and written")
    if missing:
        pytest.skip("; ".join(missing))


def traces() -> dict[str, object]:
    """All that a run can leave: mounts by name, folders, cgroups, and tasks by the names that only ours have.

    A zombie guard does not count: it was orphaned, and is its new parent's to reap, sooner or later.
    """
    try:
        folders = sorted(path.name for path in rundir.base().iterdir())
    except FileNotFoundError:
        folders = []
    return {
        "mounts": sorted(mounted_runs()),
        "folders": folders,
        "cgroups": [str(each.folder) for each in groups(rundir.PREFIX)],
        "tasks": [pid for pid in procfs.pids() if _living_comm(pid).startswith("fusezap-")],
    }


def _living_comm(pid: int) -> str:
    try:
        stat = procfs.read_process_stat(pid)
    except OSError:
        return ""
    return "" if stat.state in "ZX" else stat.comm


NOTHING: dict[str, object] = {"mounts": [], "folders": [], "cgroups": [], "tasks": []}


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    assert traces() == NOTHING, "an earlier run left something: `fusezap clean`"
    yield
    assert traces() == NOTHING


@pytest.fixture
def fusezap(tmp_path: Path) -> Fusezap:
    """Runs the command in a folder of its own, as a user would; (*arguments, **subprocess.run options)."""

    def call(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-P", "-m", "harness", *arguments]
        settings: dict[str, object] = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 60, **options}
        return subprocess.run(argv, **settings)  # type: ignore[call-overload,no-any-return]

    return call
