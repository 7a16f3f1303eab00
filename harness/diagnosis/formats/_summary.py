"""One row for each finding, the worst and oldest first: what a person reads before anything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.diagnosis.records import BELOW, Finding
from harness.model.records import Outcome
from harness.report.text import duration, visible

WHAT = {
    "fuse-writeback": "server does not write pages back",
    "fuse-flush-exit": "exit waits for FUSE FLUSH answer",
    "fuse-exec": "execve waits for FUSE FLUSH answer",
    "fuse-fault": "page fault waits for FUSE server",
    "fuse-request": "call waits for the FUSE server",
    "fuse-lock": "waits for a lock, FUSE suspected",
    "nfs": "waits for an NFS server",
    "smb": "waits for an SMB server",
    "ceph": "waits for a Ceph cluster",
    "9p": "waits for a 9p server",
    "afs": "waits for an AFS server",
    "userfault": "userfaultfd handler does not answer",
    "slow-exit": "exit still frees its memory",
    "core-dump": "core dump is not taken",
    "vfork": "waits for its vfork() child",
    "freezer": "control group is frozen",
    "ptrace": "its tracer keeps it",
    "frozen-filesystem": "waits for a frozen filesystem",
    "block-device": "waits for a disk",
    "execve": "execve() does not end",
    "unreaped": "parent outside does not reap it",
    "stopped": "stopped by a signal",
    "fuse-virtiofs": "waits for virtiofsd on the host",
    "fuse-copy": "FUSE server faults as it copies",
    "fuse-destroy": "unmount waits for FUSE DESTROY",
    "fuse-teardown": "unmount waits for server thread",
    "fuse-congestion": "may not send its FUSE request",
    "fuse-server": "FUSE server awaits requests",
    "gpu": "waits for a graphics device",
    "kvm": "waits for a virtual machine",
    "vfio": "waits for an assigned device",
    "usb": "waits for a USB device",
    "rdma": "waits for an RDMA device",
    "device": "waits for a device driver",
    "vendor-module": "waits in a vendor's module",
    "nfsd": "NFS server thread waits for disk",
    "ksmbd": "SMB server thread waits for clients",
    "rbd": "waits for a Ceph block device",
    "lustre": "waits for a Lustre server",
    "gpfs": "waits for GPFS",
    "cluster-lock": "waits for another node's lock",
    "network-filesystem": "waits for a network filesystem",
    "drbd": "waits for a DRBD peer",
    "nbd": "waits for an NBD server",
    "iscsi": "waits for a storage transport",
    "scsi": "waits for SCSI error handling",
    "nvme": "waits for an NVMe controller",
    "multipath": "waits for a multipath path",
    "dm": "waits for a device-mapper device",
    "md": "waits for a RAID array",
    "loop": "waits for a loop device",
    "block-freeze": "waits for a queue to drain",
    "swap": "waits for swap",
    "bcache": "waits for bcache",
    "writeback": "waits for dirty pages",
    "autofs": "waits for the automount daemon",
    "fanotify": "waits for a fanotify listener",
    "overlayfs": "waits in overlayfs",
    "jbd2": "waits for ext4's journal",
    "ext4": "waits in ext4",
    "xfs": "waits in XFS",
    "btrfs": "waits in btrfs",
    "zfs": "waits in ZFS",
    "local-filesystem": "waits in a local filesystem",
    "fscrypt": "waits for a key",
    "quota": "waits for a quota",
    "vfs-lock": "waits for a file or folder",
    "file-lock": "waits for a file lock",
    "superblock-lock": "waits for a superblock's lock",
    "mount-namespace-lock": "waits for the mount lock",
    "umount": "tears a filesystem down",
    "memcg-oom": "control group is out of memory",
    "memcg-throttle": "control group is slowed down",
    "reclaim": "waits for memory",
    "hugetlb": "waits for huge pages",
    "mmap-lock": "waits for a memory map",
    "migration": "waits for a moved page",
    "page-truncate": "waits for a file's pages",
    "namespace-init": "init waits for its namespace",
    "exec-siblings": "execve waits for sibling threads",
    "exec-lock": "waits for a process in execve",
    "seccomp-notify": "waits for its seccomp supervisor",
    "exit-mmap": "stands still while freeing memory",
    "futex-exit": "exit waits for a futex page",
    "tty": "waits for a terminal",
    "io-uring": "waits for io_uring requests",
    "aio": "waits for asynchronous I/O",
    "perf": "waits for a perf event",
    "bpf": "waits for BPF",
    "audit": "waits for auditd",
    "child": "waits for a child",
    "dead": "dead, not reaped yet",
    "cgroup-removal": "removes a control group",
    "cgroup-lock": "waits for the cgroup lock",
    "netns-cleanup": "waits for a network device",
    "netns-lock": "waits for netns clean-up",
    "rtnl": "waits for the network lock",
    "nfnetlink": "waits for the packet filter",
    "srcu": "waits for an SRCU reader",
    "rcu-tasks": "waits for RCU tasks",
    "rcu": "waits for an RCU grace period",
    "cpu-stall": "waits for a CPU",
    "soft-lockup": "a CPU does not switch tasks",
    "lock-order": "locks in different orders",
    "usermode-helper": "waits for a kernel helper program",
    "module": "waits for a kernel module",
    "workqueue": "waits for a kernel worker",
    "kernfs": "waits for a sysfs file",
    "suspend": "waits to suspend the machine",
    "ipc": "waits for a semaphore",
    "unknown-lock": "waits for an unnamed lock",
    "user-lock": "waits in user space",
    "idle": "sleeps until it is called",
    "unknown": "reason unknown: keep its stack",
}
"""Descriptions of the kinds of hang, in six words at most."""
_WORST = (Outcome.DEADLOCK, Outcome.STARVED)
_SAME_AGE_S = 0.25
"""Seconds: findings whose ages differ by less are ordered by PID, because two looks measure such ages in any order."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A finding on one line."""

    id: str
    outcome: Outcome
    age: str
    where: str
    """The container, the pod or the process."""
    what: str
    command: str
    """The one command that deals with it; empty where its machine does not run any more."""
    lossless: bool
    """The command ends the hang and loses nothing."""


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Order findings, the worst and oldest first; two looks at the same hangs give the same order.

    Args:
        findings: The findings of one look.

    Returns:
        Deadlocks, then starved tasks, then the rest, each by age; one whose age is unknown comes after the others.
    """
    by_age = sorted(findings, key=lambda each: (_rank(each), each.for_s is None, -(each.for_s or 0)))
    keyed: list[tuple[int, int, str, Finding]] = []
    group, last = 0, None
    for each in by_age:
        if last is not None and not _same_age(last, each):
            group += 1
        keyed.append((group, each.init_pid or 0, each.id, each))
        last = each
    return tuple(finding for *_, finding in sorted(keyed, key=lambda key: key[:3]))


def _rank(finding: Finding) -> int:
    return _WORST.index(finding.outcome) if finding.outcome in _WORST else len(_WORST)


def _same_age(one: Finding, other: Finding) -> bool:
    if _rank(one) != _rank(other) or one.for_s is None or other.for_s is None:
        return _rank(one) == _rank(other) and one.for_s is other.for_s
    return one.for_s - other.for_s < _SAME_AGE_S


def summary_row(finding: Finding) -> SummaryRow:
    """Put a finding on one line."""
    remedy = next((each for each in finding.remedies if each.resolver), None)
    if remedy is not None:
        command = f"fusezap diagnose --resolve {finding.id}"
    else:
        remedy = next((each for each in finding.remedies if each.command), None)
        command = visible(remedy.command) if remedy is not None else f"fusezap diagnose {finding.id}"
    if not finding.running:
        command = ""
    age = "age unknown" if finding.for_s is None else duration(finding.for_s)
    lossless = remedy is not None and remedy.lossless
    return SummaryRow(finding.id, finding.outcome, age, where(finding), WHAT[finding.kind], command, lossless)


def where(finding: Finding) -> str:
    """Name the container of a finding: its name, or the beginning of its ID; else the process."""
    container = finding.container
    if container is not None and container.runtime == BELOW:
        return visible(f"{BELOW} {container.id}")
    if container is not None:
        name = f"pod {container.pod}" if container.pod else f"{container.runtime} {container.name or container.id[:12]}"
        return visible(name if container.confirmed else f"{name}?")
    if finding.blockers:
        first = finding.blockers[0]
        return visible(f"process {first.comm} {first.pid}")
    return f"init {finding.init_pid}"
