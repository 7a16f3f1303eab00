"""umount2(MNT_DETACH): the mount leaves the tree, the connection stays: shown to be futile."""

from __future__ import annotations

from harness.judge.verdict import stuck_task
from harness.linux.syscalls import MNT_DETACH
from harness.linux.unmounting import unmount_in
from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene, mount_obstacle, namespaces_opened

SUMMARY = "unmount lazily, in the mount namespace of the stuck task"


def plan(scene: Scene) -> Plan:
    if scene.connection is None:
        return Plan("", "", "there is no FUSE mount in it")
    task = stuck_task(scene.verdict)
    of = f"/proc/{task.tgid}/task/{task.tid}" if task else "…"
    return Plan(
        by_hand.unmount(of, scene.connection.point, by_hand.DETACH),
        "nothing: MNT_DETACH does not abort the connection, and the request goes on waiting",
        _obstacle(scene) or mount_obstacle(scene, task),
    )


def _obstacle(scene: Scene) -> str | None:
    """Without an abort file a forced unmount is the only remedy, and there would be no mount left to name to it."""
    return None if scene.abort_fd is not None else "not tried: it would take away the only means to end the hang"


def execute(scene: Scene) -> None:
    task = stuck_task(scene.verdict)
    assert task is not None
    assert scene.connection is not None
    with namespaces_opened(scene, task) as where:
        unmount_in(where, scene.connection.point, MNT_DETACH)
