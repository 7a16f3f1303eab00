"""The place of the hang: the FUSE connection and the device that a text names."""

from __future__ import annotations

from harness.blockers.row import Row
from harness.explain.judged import FUSE, Judged
from harness.explain.records import Paste, TaskText


def places(
    row: Row, causes: list[Judged], queues: list[Judged], task: TaskText | None, paste: Paste
) -> tuple[int | None, str]:
    """The FUSE connection and the device, where the text names them.

    fusectl names a connection by the whole dev_t, MAJOR << 20 | MINOR (fs/fuse/inode.c, fuse_conn_init()).
    """
    connection: int | None = None
    device = ""
    for kind, major, minor in paste.mounts:
        device = f"{major}:{minor}" + (f" ({kind})" if kind else "")
        if kind.startswith("fuse"):
            connection = major << 20 | minor
    if len(paste.connections) == 1 and row.kind.startswith(FUSE):
        connection = paste.connections[0]
    if not device and task is not None:
        for each in (task, *(found.task for found in (*causes, *queues))):
            comm = each.comm
            if (
                comm.startswith(("jbd2/", "xfsaild/", "btrfs-", "md", "kjournald", "loop", "nbd", "drbd"))
                and "/" in comm
            ):
                device = comm.partition("/")[2].rsplit("-", 1)[0] or comm
                break
    what = next((each.what for each in paste.messages if each.kind == row.kind and each.what), "")
    return connection if row.kind.startswith(FUSE) else None, device or what
