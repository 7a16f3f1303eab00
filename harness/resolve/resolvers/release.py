"""The server answers after all: only where it lives."""

from __future__ import annotations

import os
import signal
import sys

from harness.linux import procfs
from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene, server_lives

SUMMARY = "let the server answer what it holds back (only where it lives)"


def plan(scene: Scene) -> Plan:
    command = by_hand.command((sys.executable or "python3", "-m", "fakefs.ctl", str(scene.control), "release", "all"))
    lives = server_lives(scene)
    if lives and scene.server is not None and _stopped(scene.server.pid):
        command = f"{by_hand.kill('CONT', scene.server.pid)} && {command}"
    return Plan(
        command,
        "the server answers every request that it holds back; a stopped server is continued first",
        None if lives else "the server is dead: nobody can answer",
    )


def _stopped(pid: int) -> bool:
    """True if a signal has stopped the process; False also if it is gone."""
    try:
        return procfs.read_process_stat(pid).state == "T"
    except OSError:
        return False


def execute(scene: Scene) -> None:
    assert scene.server is not None
    assert scene.control is not None
    if _stopped(scene.server.pid):
        os.kill(scene.server.pid, signal.SIGCONT)
    from fakefs.client import Control  # late: only a living server is talked to

    Control(scene.control).release(None)
