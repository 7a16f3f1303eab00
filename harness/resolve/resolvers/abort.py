"""Writes to the connection's abort file: fuse_abort_conn() ends every request with ECONNABORTED."""

from __future__ import annotations

from harness.linux import fusectl
from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene

SUMMARY = "abort the connection through fusectl"


def plan(scene: Scene) -> Plan:
    if scene.connection is None:
        return Plan("", "", "there is no FUSE connection in it")
    number = scene.connection.number
    return Plan(
        by_hand.write("1", f"{fusectl.FOLDER}/{number}/abort"),
        f"every request on connection {number} ends with ECONNABORTED, and its mount answers ENOTCONN from then on",
        None if scene.abort_fd is not None else "no abort file could be opened here",
    )


def execute(scene: Scene) -> None:
    assert scene.abort_fd is not None
    fusectl.abort(scene.abort_fd)
