"""SIGKILL once more, to init, to the leader and to the stuck thread: shown to be futile."""

from __future__ import annotations

import contextlib
import os
import signal

from harness.judge.verdict import stuck_task
from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene

SUMMARY = "send SIGKILL again"


def _numbers(scene: Scene) -> list[int]:
    task = stuck_task(scene.verdict)
    return [scene.target.init] + ([task.tgid, task.tid] if task else [])


def plan(scene: Scene) -> Plan:
    return Plan(
        by_hand.kill("KILL", *_numbers(scene)),
        "nothing: no signal is delivered to a task with PF_EXITING (wants_signal())",
    )


def execute(scene: Scene) -> None:
    for number in _numbers(scene):
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
