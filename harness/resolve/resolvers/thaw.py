"""Thaws the cgroup of the run: the SIGKILL that waits reaches its tasks."""

from __future__ import annotations

from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene

SUMMARY = "thaw the cgroup that keeps tasks frozen"


def plan(scene: Scene) -> Plan:
    kind, folder = scene.remedy or ("", "")
    return Plan(
        by_hand.write("THAWED", f"{folder}/freezer.state") if kind == "cgroup" else "",
        "its tasks run on, and the pending SIGKILL ends them",
        None if kind == "cgroup" else "no cgroup of the run is frozen",
    )


def execute(scene: Scene) -> None:
    assert scene.guard is not None
    scene.guard.thaw()
