"""A kernel that complains, a machine that runs out of memory, and one that falls silent."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from harness.catalogue import catalogue
from harness.kernels import spec as kernel_spec
from harness.linux.polling import wait_until
from harness.model.events import Ended
from harness.model.records import Outcome, Series
from harness.run.session import SessionOptions
from harness.scenario import Scenario, foreign
from harness.vm import root, session
from harness.vm.command import Command
from harness.vm.machine import Machine, started
from harness.vm.settings import Settings
from tests.conftest import gone
from tests.vm.conftest import KERNEL, Started
from tests.vm.test_other_kernels import ONLY_IN_A_GUEST

pytestmark = pytest.mark.slow

WARNING = "WARNING: CPU: 0 PID: 1 at made/up.c:1 for_a_test+0x1/0x2"
W = 1 << 9
"""The taint of a kernel that has warned (Documentation/admin-guide/tainted-kernels.rst)."""


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch) -> list[Command]:
    """One for each machine that is started."""
    found: list[Command] = []

    @contextmanager
    def counted(command: Command, *rest: Any) -> Iterator[Machine]:
        found.append(command)
        with started(command, *rest) as machine:
            yield machine

    monkeypatch.setattr(session, "started", counted)
    return found


def troublesome(script: str) -> Scenario:
    """A server that makes trouble before it serves: in a guest, never here."""
    server = f"exec {sys.executable} -P -m fakefs $0 --file /held"
    return foreign.scenario(
        shlex.join(["sh", "-c", f"{ONLY_IN_A_GUEST} && {script}; {server}", "{mountpoint}"]), "/held"
    )


def run(*scenarios: Scenario, memory_mib: int = 1024) -> list[Series]:
    image = kernel_spec.find(KERNEL, lambda _: None)
    settings = Settings(memory_mib=memory_mib, deadline_s=60)
    events = session.run_in_vm(session.VmSession(image, root.own(), settings, SessionOptions(), scenarios))
    return [event.series for event in events if isinstance(event, Ended)]


def test_a_warning_is_told_beside_the_outcome_and_the_rest_runs_on_a_fresh_machine(boots: list[Command]) -> None:
    warns = troublesome(f"echo '<4>{WARNING}' >/dev/kmsg && echo {W} >/proc/sys/kernel/tainted")
    calm, hang = catalogue()["healthy"], catalogue()["exit-flush-self"]
    found = run(calm, warns, hang, calm)
    assert [[str(count.outcome) for count in each.counts] + list(each.errors) for each in found] == [
        [outcome] for outcome in ("released", "released", "deadlock", "released")
    ]
    assert [len(each.warnings) for each in found] == [0, 1, 0, 0]
    assert WARNING in found[1].warnings[0]
    assert len(boots) == 2


def test_a_machine_out_of_memory_is_lost_with_the_kernels_words(boots: list[Command]) -> None:
    hog = troublesome("echo 2 >/proc/sys/vm/panic_on_oom && tail /dev/zero")
    found = run(hog, catalogue()["healthy"], memory_mib=512)
    assert [each.counts[0].outcome for each in found] == [Outcome.LOST_VM, "released"]
    reasons = " ".join(found[0].examples[0].verdict.reasons)
    assert "ut of memory" in reasons
    assert len(boots) == 2


def test_a_machine_that_falls_silent_is_lost_at_its_deadline(running_out: Started) -> None:
    running, emulator = running_out(
        *("run", "flush-delayed", "healthy", "--kernel", KERNEL, "--deadline", "20", "--repeat", "20"),
        *("--format", "json"),
    )
    os.kill(emulator, signal.SIGSTOP)
    out, _ = running.communicate(timeout=200)
    assert running.returncode == 1
    assert gone(emulator)
    first = json.loads(out)["series"][0]
    assert "lost-vm" in {count["outcome"] for count in first["counts"]}


@pytest.fixture
def running_out(started: Started) -> Started:
    """Waits, after the emulator's start, until the guest has told of itself."""
    from harness.vm import share, wire

    def start(*arguments: str) -> object:
        found = started(*arguments)

        def written() -> bool:
            return any(
                (folder / wire.EVENTS).stat().st_size
                for folder in share.above().glob(f"{share.PREFIX}*/{share.SHARED}")
            )

        wait_until("the guest has written an event", 60, written, pause_s=0.1)
        return found

    return start  # type: ignore[return-value]
