"""The one that has to move: the server, the holder of the lock, or whoever the row of the table names."""

from __future__ import annotations

from harness.blockers.row import Role
from harness.explain import operations
from harness.explain.judged import FUSE, Judged
from harness.explain.records import Paste, TaskText

_SERVERS = (
    "sshfs", "lxcfs", "mergerfs", "gluster", "ntfs-3g", "mount.ntfs", "sysbox-fs", "rclone", "s3fs", "goofys",
    "gcsfuse", "gvfsd", "ceph-fuse", "fuse", "bindfs", "encfs", "gocryptfs", "juicefs", "mount.exfat", "unionfs",
    "virtiofsd", "davfs", "mount.davfs", "squashfuse", "curlftpfs", "google-drive", "mount.fuse", "borgfs",
    "restic", "seaweedfs", "weed", "alluxio", "moosefs", "mfsmount", "blobfuse", "containerd-fuse", "stargz",
    "nydusd", "portal", "xdg-document", "onedriver", "fakefs", "cvmfs", "afuse", "jmtpfs",
)  # fmt: skip
"""Names that processes which serve a FUSE mount begin with."""
_CLIENTS = (
    *(
        "df",
        "ls",
        "cat",
        "cp",
        "mv",
        "rm",
        "du",
        "find",
        "stat",
        "ps",
        "top",
        "lsof",
        "fuser",
        "mount",
        "umount",
        "fusermount",
    ),
    *(
        "systemd",
        "docker",
        "containerd",
        "runc",
        "kubelet",
        "crio",
        "podman",
        "conmon",
        "bash",
        "sh",
        "sync",
        "tar",
        "git",
        "grep",
    ),
)
"""Programs that serve no mount: a wait of theirs is no server's."""


def culprit_of(main: Judged, causes: list[Judged], queues: list[Judged], paste: Paste) -> tuple[str, bool]:
    """The one that has to move, and whether the text itself names it."""
    row = main.row
    assert row is not None
    if main.task.owner is not None:
        comm, pid = main.task.owner
        known = next((each for each in (*causes, *queues) if each.task.pid == pid), None)
        does = f", which waits itself: {known.row.meaning}" if known is not None and known.row is not None else ""
        return f"{comm} {pid}, which the kernel says holds the lock{does}", True
    if row.kind.startswith(FUSE):
        server = _server(main, causes)
        if server is not None:
            waits = f"{server.row.meaning} ({server.kind})" if server.row else "is stuck"
            sure = "" if _serves(server.task) else ", if it is the server: the text does not say"
            return f"the server's thread {server.name}: {waits}{sure}", True
        if row.role is Role.QUEUE:
            holder = _holder(main, causes)
            if holder is not None:
                return (
                    f"{holder.name}, which has a FUSE request in flight "
                    f"({operations.request(holder.task.functions) or 'some request'}) and so holds the lock, "
                    f"and the server that does not answer it",
                    True,
                )
    held = [each for each in paste.held if each[1] != main.task.pid and each[0] != "khungtaskd"]
    if row.role is Role.QUEUE and held and not causes:
        names = ", ".join(dict.fromkeys(f"{comm} {pid} (in {function}())" for comm, pid, function in held[:3]))
        return f"one of the tasks that hold locks: {names}", True
    if row.kind == "vendor-module" and main.place is not None and main.task.modules:
        return row.fault.replace("that module", f"the module {main.task.modules[main.place]}"), False
    return row.fault, False


def _server(main: Judged, causes: list[Judged]) -> Judged | None:
    """A task that waits for something other than FUSE, and may serve the mount."""
    others = [
        each
        for each in causes
        if not each.kind.startswith(FUSE)
        and each is not main
        and not _kernel_thread(each.task)
        and not _same_process(each.task, main.task)
        and (each.kind != "dead" or _serves(each.task))
    ]
    serving = next((each for each in others if _serves(each.task)), None)
    if serving is not None:
        return serving
    unnamed = [each for each in others if not each.task.comm.startswith(_CLIENTS)]
    return unnamed[0] if len({each.name for each in unnamed}) == 1 and len(unnamed) == len(others) else None


def _same_process(one: TaskText, other: TaskText) -> bool:
    """Threads of one process: a leader that is a zombie serves nobody while its thread still waits."""
    return (one.tgid or one.pid) is not None and (one.tgid or one.pid) == (other.tgid or other.pid)


def _serves(task: TaskText) -> bool:
    return task.comm.lower().startswith(_SERVERS)


def _holder(main: Judged, causes: list[Judged]) -> Judged | None:
    return next((each for each in causes if each.kind.startswith(FUSE) and each is not main), None)


def _kernel_thread(task: TaskText) -> bool:
    return (
        task.ppid == 2
        or task.comm.startswith(("kworker", "jbd2/", "xfsaild", "kswapd", "khugepaged"))
        or "kthread" in task.functions
    )
