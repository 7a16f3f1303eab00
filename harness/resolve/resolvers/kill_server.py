"""Kills the server: its exit closes the device, and fuse_dev_release() ends the connection.

It helps where the server lives outside the dying namespace.  Inside it has been killed already.
"""

from __future__ import annotations

import os
import signal

from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene, server_lives

SUMMARY = "kill the server, so that its exit closes the device (only where it lives)"


def plan(scene: Scene) -> Plan:
    pid = scene.server.pid if scene.server else 0
    return Plan(
        by_hand.kill("KILL", pid),
        f"server {pid} ends, and with the last reference to its device the connection",
        None if server_lives(scene) else "the server is dead already, and its death did not close the device",
    )


def execute(scene: Scene) -> None:
    assert scene.server is not None
    os.kill(scene.server.pid, signal.SIGKILL)
