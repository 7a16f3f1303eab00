"""The server answers after all: only where it lives."""

from __future__ import annotations

import os
import signal

from harness.linux import procfs
from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene, server_lives

SUMMARY = "let the server answer what it holds back (only where it lives)"


def plan(scene: Scene) -> Plan:
    return Plan(
        by_hand.command(("python", "-m", "fakefs.ctl", str(scene.control), "release", "all")),
        "the server answers every request that it holds back; a stopped server is continued first",
        None if server_lives(scene) else "the server is dead: nobody can answer",
    )


def execute(scene: Scene) -> None:
    assert scene.server is not None
    assert scene.control is not None
    if procfs.read_process_stat(scene.server.pid).state == "T":
        os.kill(scene.server.pid, signal.SIGCONT)
    from fakefs.client import Control  # late: only a living server is talked to

    Control(scene.control).release(None)
