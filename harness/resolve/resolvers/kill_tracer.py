"""Kills the tracer of the run: its tracees go back to their parents, which reap them (exit_ptrace())."""

from __future__ import annotations

import os
import signal

from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene

SUMMARY = "kill the tracer that does not wait"


def plan(scene: Scene) -> Plan:
    kind, pid = scene.remedy or ("", 0)
    return Plan(
        by_hand.kill("KILL", int(pid)) if kind == "tracer" else "",
        f"tracer {pid} ends; who it traced is reaped by its parent",
        None if kind == "tracer" else "no tracer of the run is there",
    )


def execute(scene: Scene) -> None:
    assert scene.remedy is not None
    os.kill(int(scene.remedy[1]), signal.SIGKILL)
