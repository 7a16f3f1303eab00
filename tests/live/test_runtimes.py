"""Real container runtimes, each in an instance of its own, with a container that cannot die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.guard.rundir import PREFIX
from harness.linux import cgroup, procfs
from harness.runtimes import tools
from tests.conftest import require
from tests.live.conftest import NOTHING, Fusezap, traces
from tests.live.situations import until

BOUND = "2"


def needs(name: str) -> None:
    _, missing = tools.find(tools.engine(name).NEEDS, {})
    if missing:
        pytest.skip("; ".join(missing))
    require(root=True)


def measured(fusezap: Fusezap, name: str, *options: str) -> dict[str, Any]:
    done = fusezap("runtimes", "--runtime", name, "--bound", BOUND, "--json", *options, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    (subject,) = json.loads(done.stdout)["subjects"]
    assert isinstance(subject, dict)
    assert subject["good"]
    return subject


def answers(course: dict[str, Any], when: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each["answer"] for each in course["operations"] if each["when"] == when}


def _groups() -> set[Path]:
    """The control groups at the top, but for those of other tests, which may run at the same time."""
    return {folder for folder in cgroup.trees("") if not folder.name.startswith("situation-")}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*tools.names()} - {"cri-shared-pid"}))
def test_the_picture_is_that_of_the_write_up(name: str, fusezap: Fusezap) -> None:
    """One engine of each kind: a pod with a shared PID namespace is containerd again."""
    needs(name)
    before = _groups()
    subject = measured(fusezap, name)
    course = subject["courses"][0]
    picture = course["picture"]
    assert picture["outcome"] == "deadlock"
    assert all(check["holds"] for check in picture["form"]), picture["form"]
    _, init, server = picture["tree"]
    assert (init["role"], init["function"]) == ("init", "zap_pid_ns_processes")
    assert (server["comm"], server["state"], server["threads"], server["function"]) == ("fakefs", "Z", 2, "fuse_flush")
    healthy, stuck = answers(course, "healthy"), answers(course, "stuck")
    assert healthy["exec"]["status"] == 0
    assert stuck["exec"]["status"] != 0
    assert stuck["inspect"]["words"] == healthy["inspect"]["words"], "it is said to run"
    assert stuck["fusezap diagnose"]["words"].startswith("deadlock, fuse-flush-exit")
    if name in ("docker", "containerd", "podman", "lxc"):
        assert f", {name} " in stuck["fusezap diagnose"]["words"], "which container it is"
    assert course["recovery"]["healthy"]
    assert subject["leftovers"] == []
    assert _groups() == before
    if name == "docker":
        blocked = subject["courses"][1]
        assert answers(blocked, "stuck")["inspect"]["status"] is None, "no answer, with an exec blocked on the mount"


def test_a_build_of_ones_own_is_what_runs(fusezap: Fusezap, tmp_path: Path) -> None:
    needs("runc")
    real = tools.find(tools.engine("runc").NEEDS, {})[0]["runc"]
    build = tmp_path / "my-runc"
    log = tmp_path / "log"
    log.touch()
    build.write_text(f'#!/bin/sh\necho "$3" >>{log}\nexec {real} "$@"\n')
    build.chmod(0o755)
    measured(fusezap, "runc", "--runc", str(build))
    assert {"run", "kill", "state", "exec", "delete"} <= set(log.read_text().split())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_it_is_ended_half_way(number: signal.Signals) -> None:
    """The daemon, the shim, the stuck container, its mounts and its control groups."""
    needs("containerd")
    before = _groups()
    argv = [sys.executable, "-P", "-m", "harness", "runtimes", "--runtime", "containerd", "--bound", "30"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "deadlock" in line:
                break
        assert _of_a_sandbox(), "there is something to be ended"
        os.kill(process.pid, number)
        process.stderr.read()
        assert process.wait(30) == (130 if number == signal.SIGINT else -9)
    until("nothing is left", lambda: traces() == NOTHING and not _of_a_sandbox())
    assert _groups() == before


def _of_a_sandbox() -> list[int]:
    """Processes that see the mounts of a sandbox."""
    found = []
    for pid in procfs.pids():
        try:
            text = procfs.read(f"/proc/{pid}/mountinfo")
        except OSError:
            continue
        if f" {PREFIX}" in text:
            found.append(pid)
    return found


def test_what_is_not_there_is_told(fusezap: Fusezap, tmp_path: Path) -> None:
    started = time.monotonic()
    done = fusezap("runtimes", "--runtime", "runc", "--runc", str(tmp_path / "nothing"))
    assert done.returncode == 3
    assert "no program is there" in done.stderr
    listed = fusezap("runtimes", "--list")
    assert listed.returncode in (0, 2)
    assert {line.split()[0] for line in listed.stdout.splitlines()} == set(tools.names())
    assert time.monotonic() - started < 30
