"""The C programs of `fusezap repro`: each comes to the outcome of its scenario, and leaves nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.catalogue import catalogue
from harness.linux import features
from harness.linux.polling import wait_until
from harness.model.terms import Kind, Outcome
from tests.conftest import require
from tests.live.test_outcomes import ON_THIS_KERNEL
from tests.vm.repro import compiled, outcomes

AT_ONCE = 6
"""Programs that run at the same time: most of them sleep for half a second until a hang counts as one."""
PATIENCE_S = 120


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every program, linked statically with musl; gcc has warned of nothing."""
    require("musl-gcc", root=True)
    folder = tmp_path_factory.mktemp("programs")
    compiled(tuple(catalogue().values()), folder)
    return folder


@pytest.fixture(scope="module")
def ended(programs: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """The output of each program, and its exit status."""
    waiting = list(catalogue())
    running: dict[str, subprocess.Popen[str]] = {}
    done: dict[str, subprocess.CompletedProcess[str]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            name = waiting.pop()
            running[name] = subprocess.Popen([programs / name], stdout=subprocess.PIPE, text=True)
        name, process = next(iter(running.items()))
        output, _ = process.communicate(timeout=PATIENCE_S)
        done[name] = subprocess.CompletedProcess([name], process.returncode, output)
        del running[name]
    return done


def test_each_comes_to_the_outcome_of_its_scenario(ended: dict[str, subprocess.CompletedProcess[str]]) -> None:
    """One test for all: what surrounds a test here takes longer than most of the programs."""
    lacking = {name: features.lacking(scenario.requires) for name, scenario in catalogue().items()}
    possible = {name for name, missing in lacking.items() if not missing}
    found = {name: outcomes(ended[name].stdout).get(name, ended[name].stdout) for name in possible}
    assert found == {name: str(ON_THIS_KERNEL[name]) for name in possible}
    statuses = {name: ended[name].returncode for name in possible}
    hangs = {name for name, outcome in ON_THIS_KERNEL.items() if outcome is not Outcome.RELEASED}
    defects = {name for name in hangs if catalogue()[name].kind is Kind.DEFECT}
    assert statuses == {name: int(name in defects) for name in possible}
    if possible != set(catalogue()):
        pytest.skip(f"missing: {', '.join(sorted({each for missing in lacking.values() for each in missing}))}")


def test_the_stacks_are_printed_as_comments(ended: dict[str, subprocess.CompletedProcess[str]]) -> None:
    lines = ended["exit-flush-self"].stdout.splitlines()
    assert lines[:2] == ["KTAP version 1", "1..1"]
    assert lines[-1] == "not ok 1 exit-flush-self: deadlock"
    assert all(line.startswith("# ") for line in lines[2:-1])
    for function in ("zap_pid_ns_processes", "request_wait_answer", "do_exit"):
        assert any(function in line for line in lines)


def test_without_root_it_is_not_exercised(programs: Path, tmp_path: Path) -> None:
    require("setpriv", root=True)
    shutil.copyfile(programs / "exit-flush-self", tmp_path / "program")
    (tmp_path / "program").chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(tmp_path / "program")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 4, done
    assert done.stdout.endswith("ok 1 exit-flush-self # SKIP for want of root, and CONFIG_STACKTRACE\n")


@pytest.fixture
def kept(programs: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that keeps its hang, once it is there."""
    process = subprocess.Popen([programs / "exit-flush-self", "--keep"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "request_wait_answer" in line:
                break
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_what_is_kept(kept: subprocess.Popen[str], number: signal.Signals) -> None:
    """A keeper outlives the program, aborts the connection, and kills."""
    below = psutil.Process(kept.pid).children(recursive=True)
    assert len(below) >= 2, "the keeper, and init with what is below it"
    kept.send_signal(number)
    kept.communicate(timeout=PATIENCE_S)
    wait_until("all that it started is gone", PATIENCE_S, lambda: not any(map(lives, below)))


def lives(process: psutil.Process) -> bool:
    """A zombie has ended; who inherits it here may be slow to reap it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_the_command_writes_what_was_built(programs: Path) -> None:
    argv = [sys.executable, "-P", "-m", "harness", "repro", "exit-flush-self"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout == (programs / "exit-flush-self.c").read_text()
