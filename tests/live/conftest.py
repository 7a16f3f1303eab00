"""Live tests make the hang on this kernel, and prove after each test that nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.guard import rundir
from harness.guard.sweep import mounted_runs
from harness.linux import features, procfs
from harness.linux.cgroup import groups
from harness.linux.fusectl import fusectl_opened
from tests.live.situations import Situations, built

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
    """All that a run of this suite can leave: mounts and cgroups by name, folders, and living descendants by name.

    An orphan becomes a child of this process, which is a subreaper.  Zombies do not count: they are reaped here.
    """
    reap_orphans()
    try:
        folders = sorted(path.name for path in rundir.base().iterdir())
    except FileNotFoundError:
        folders = []
    return {
        "mounts": sorted(mounted_runs()),
        "folders": folders,
        "cgroups": [str(each.folder) for each in groups(rundir.prefix())],
        "tasks": [pid for pid in descendants() if _living_comm(pid).startswith("fusezap-")],
    }


def descendants() -> list[int]:
    """The processes below this one."""
    parents = {pid: parent for pid in procfs.pids() if (parent := _status(pid).ppid)}
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return sorted(found - {os.getpid()})


def reap_orphans() -> None:
    """Reaps the zombies that became ours: those named fusezap-…, which no Popen of this process started."""
    for pid in procfs.pids():
        status = _status(pid)
        if status.ppid == os.getpid() and status.state == "Z" and status.name.startswith("fusezap-"):
            with contextlib.suppress(OSError):
                os.waitpid(pid, os.WNOHANG)


class _Status(NamedTuple):
    name: str = ""
    state: str = "X"
    ppid: int = 0


def _status(pid: int) -> _Status:
    """From the status file: it alone can be read of a process that hangs in execve().

    proc_pid_status() takes no exec_update_lock; do_task_stat() does, by ptrace_may_access().
    """
    try:
        text = procfs.read(f"/proc/{pid}/status")
    except OSError:
        return _Status()
    fields = dict(line.partition(":\t")[::2] for line in text.split("\n"))
    return _Status(fields.get("Name", ""), fields.get("State", "X")[:1], int(fields.get("PPid", "0")))


def _living_comm(pid: int) -> str:
    status = _status(pid)
    return "" if status.state in "ZX" else status.name


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


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("situations"))


@pytest.fixture
def situations(program: Path, tmp_path: Path) -> Iterator[Situations]:
    with fusectl_opened() as ctl:
        assert ctl is not None, "no hang without the means to end it"
        with Situations(program, tmp_path, ctl) as made:
            yield made
