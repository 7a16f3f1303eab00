"""umount2(MNT_FORCE) in the mount namespace of the stuck task: fuse_umount_begin() aborts the connection."""

from __future__ import annotations

from harness.judge.verdict import stuck_task
from harness.linux.unmounting import forced_unmount
from harness.resolve import by_hand
from harness.resolve.scene import Plan, Scene, mount_obstacle, namespaces_opened

SUMMARY = "unmount by force, in the mount namespace of the stuck task"


def plan(scene: Scene) -> Plan:
    if scene.connection is None:
        return Plan("", "", "there is no FUSE mount in it")
    task = stuck_task(scene.verdict)
    of = f"/proc/{task.tgid}/task/{task.tid}" if task else "…"
    return Plan(
        by_hand.unmount(of, scene.connection.point, by_hand.FORCE),
        f"the connection of {scene.connection.point} is aborted; the mount itself may stay, busy",
        mount_obstacle(scene, task),
    )


def execute(scene: Scene) -> None:
    task = stuck_task(scene.verdict)
    assert task is not None
    assert scene.connection is not None
    with namespaces_opened(scene, task) as where:
        forced_unmount(where, scene.connection.point)
