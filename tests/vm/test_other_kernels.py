"""The same runs under another kernel: same options, same output, same exit status."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.vm import share
from tests.conftest import gone
from tests.vm.conftest import KERNEL, Started, fusezap

pytestmark = pytest.mark.slow

ONLY_IN_A_GUEST = "test -d /run/fusezap-vm"
"""Before anything that must never happen on this machine."""


def document(*arguments: str) -> dict[str, Any]:
    ended = fusezap("run", "--kernel", KERNEL, "--format", "json", *arguments)
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_check_says_what_that_kernel_has() -> None:
    ended = fusezap("check", "--kernel", KERNEL, "exit-flush-self", "healthy")
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("6.1.")
    assert "has the defect: exit-flush-self deadlock, healthy released" in ended.stdout


def test_the_proof_comes_whole(tmp_path: Path) -> None:
    found = document("exit-flush-self", "--out", str(tmp_path))
    (result,) = found["results"]
    assert result["outcome"] == "deadlock"
    assert result["kernel"]["release"].startswith("6.1.")
    assert result["kernel"]["release"] != os.uname().release
    assert [check["holds"] for check in result["form"]] == [True] * 6
    assert result["leftovers"] == []
    assert fusezap("judge", str(tmp_path / "exit-flush-self/snapshots.json")).returncode == 1


def test_the_story_is_told_as_it_is_here() -> None:
    ended = fusezap("run", "--kernel", KERNEL, "exit-flush-self")
    assert ended.returncode == 0, ended.stderr
    for words in ("armed in", "SIGKILL sent", "DEADLOCK: proven", "request_wait_answer", "resolved by abort"):
        assert words in ended.stdout


def test_its_command_line_can_be_added_to() -> None:
    """Without an init there is no machine: the kernel says so, and that is told."""
    ended = fusezap("check", "--kernel", KERNEL, "healthy", "--append", "rdinit=/no/such/init panic=-1")
    assert "lost-vm" in ended.stdout
    assert "healthy" in ended.stdout


def test_runs_are_counted_there() -> None:
    found = document("exit-flush-self", "healthy", "--repeat", "3")
    assert [(each["scenario"], each["runs"], each["mark"]) for each in found["series"]] == [
        ("exit-flush-self", 3, "fail"),
        ("healthy", 3, "pass"),
    ]


def test_a_panic_is_a_lost_machine_and_no_verdict() -> None:
    crash = f"sh -c '{ONLY_IN_A_GUEST} && echo c >/proc/sysrq-trigger' {{mountpoint}}"
    ended = fusezap("run", "--kernel", KERNEL, "--server", crash, "--format", "json")
    assert ended.returncode == 1
    (result,) = json.loads(ended.stdout)["results"]
    assert result["outcome"] == "lost-vm"
    assert any("Kernel panic" in reason for reason in result["reasons"])


@pytest.mark.parametrize("engine", ["virtiofs", "virtme"])
def test_every_engine_comes_to_the_same(engine: str) -> None:
    scenarios = ("exit-flush-self", "exit-flush-peer-outside", "getattr-queued", "healthy")
    plain, other = (document(*scenarios, "--engine", each)["results"] for each in ("plain", engine))
    assert [result["outcome"] for result in plain] == ["deadlock", "starved", "released", "released"]
    for one, two in zip(plain, other, strict=True):
        assert one["outcome"] == two["outcome"]
        assert one["kernel"] == two["kernel"]
        assert [check["holds"] for check in one["form"]] == [check["holds"] for check in two["form"]]
        assert two["leftovers"] == []


def test_a_boot_that_never_reached_init_is_tried_once_more(started: Started) -> None:
    running, emulator = started("run", "--kernel", KERNEL, "healthy")
    os.kill(emulator, signal.SIGKILL)
    _, errors = running.communicate(timeout=300)
    assert "before its init was reached; started once more" in errors
    assert running.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_leaves_nothing(started: Started, number: signal.Signals) -> None:
    running, emulator = started("run", "--kernel", KERNEL, "flush-delayed", "--repeat", "100")
    os.kill(running.pid, number)
    running.communicate(timeout=30)
    assert gone(emulator)
    if number is signal.SIGKILL:
        assert fusezap("clean", "--yes").returncode == 0
    assert list(share.abandoned()) == []


def test_a_kernel_that_cannot_be_had_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    broken = tmp_path / "linux-image-6.1_1_amd64.deb"
    broken.write_bytes(b"no package")
    for spec in (str(broken), "debian:no-such-suite", "debain:sid"):
        assert fusezap("run", "--kernel", spec).returncode == 2
        assert fusezap("check", "--kernel", spec).returncode == 128
