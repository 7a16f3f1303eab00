"""What keeps a task from ending, told by its stack: a table, as data.  A new way to be stuck is a new row.

Names are without compiler suffix and module (`model.function_of`).  A name that ends in `*` stands for all that begin
so.  The first row that fits wins: the narrower ones come first.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model import kernel_names
from harness.model.records import Progress, Task
from harness.record import record

Names = frozenset[str]

_FAULT = frozenset({"exc_page_fault", "do_user_addr_fault", "handle_mm_fault", "do_page_fault", "asm_exc_page_fault"})
_DUMP = frozenset({"do_coredump", "vfs_coredump", "coredump_wait", "dump_emit", "wait_for_dump_helpers"})
_FUSE = frozenset({"fuse_*", "__fuse_*"})


@record(frozen=True, slots=True)
class Row:
    kind: str
    has: Names
    """One of these is in the stack …"""
    under: Names
    """… and, further out, one of these; empty: wherever it was called from."""
    meaning: str
    reference: str
    """The kernel's own functions and files."""
    remedy: str
    progress: Progress = Progress.OUTSIDE
    """Of a task that no signal reaches any more.  Where it waits for FUSE, the graph decides instead."""


TABLE = (
    Row(
        "fuse-writeback",
        frozenset({"folio_wait_writeback", "wait_on_page_writeback", "fuse_sync_writes"}),
        _FUSE,
        "it waits until dirty pages of a FUSE file have been written, which the server has not done",
        "fuse_flush() → write_inode_now(), fs/fuse/file.c",
        "abort the connection, or let the server answer",
    ),
    Row(
        "fuse-flush-exit",
        kernel_names.FUSE_FLUSH,
        kernel_names.EXIT,
        "its exit closes a FUSE file, and waits until the server has answered FLUSH",
        "fuse_flush(), fs/fuse/file.c; do_exit() → exit_files()",
        "abort the connection, or let the server answer",
    ),
    Row(
        "fuse-exec",
        kernel_names.FUSE_FLUSH,
        frozenset({"do_close_on_exec", "begin_new_exec"}),
        "execve() closes a FUSE file, and waits until the server has answered FLUSH; who reads its stack waits, too",
        "begin_new_exec() → do_close_on_exec(), fs/exec.c; lock_trace(), fs/proc/base.c",
        "abort the connection, or let the server answer",
    ),
    Row(
        "fuse-fault",
        kernel_names.FUSE_WAIT,
        _FAULT,
        "it touched a page that is mapped from a FUSE file, and waits for the server's READ",
        "filemap_fault() → fuse_read_folio(), fs/fuse/file.c",
        "abort the connection, or let the server answer",
    ),
    Row(
        "fuse-request",
        kernel_names.FUSE_WAIT,
        frozenset(),
        "it sent a request to a FUSE server, and waits for the answer",
        "request_wait_answer(), fs/fuse/dev.c",
        "abort the connection, or let the server answer",
    ),
    Row(
        "fuse-lock",
        frozenset({"rwsem_down_*", "__mutex_lock*", "d_alloc_parallel", "folio_wait_bit*", "__lock_page*"}),
        _FUSE | {"path_openat", "lookup_slow", "filename_create", "filemap_fault"},
        "it waits for a lock of a file or folder, which another task holds while it waits, for FUSE perhaps",
        "inode_lock(), d_alloc_parallel(), fs/namei.c",
        "find and release the task that holds it: one with a request in flight on the same mount",
        Progress.UNKNOWN,
    ),
    Row(
        "nfs",
        frozenset({"rpc_wait_bit_killable", "nfs_*", "nfs4_*", "nfs3_*", "__rpc_execute", "rpc_*"}),
        frozenset(),
        "it waits for an NFS server",
        "rpc_wait_bit_killable(), net/sunrpc/sched.c",
        "bring the server or the network back; `umount -f` of the mount ends its calls with EIO",
    ),
    Row(
        "smb",
        frozenset({"cifs_*", "smb2_*", "SMB2_*", "wait_for_response"}),
        frozenset(),
        "it waits for an SMB server",
        "wait_for_response(), fs/smb/client/transport.c",
        "bring the server or the network back; `umount -f` of the mount ends its calls",
    ),
    Row(
        "ceph",
        frozenset({"ceph_*", "rbd_*"}),
        frozenset(),
        "it waits for a Ceph cluster",
        "ceph_mdsc_wait_request(), fs/ceph/mds_client.c",
        "bring the cluster back; `umount -f` of the mount ends its calls with EIO",
    ),
    Row(
        "9p",
        frozenset({"p9_client_rpc", "p9_*", "v9fs_*"}),
        frozenset(),
        "it waits for a 9p server, which may be this virtual machine's host",
        "p9_client_rpc(), net/9p/client.c",
        "bring the server back; `umount -f` of the mount ends its calls",
    ),
    Row(
        "afs",
        frozenset({"afs_*", "yfs_*", "rxrpc_*"}),
        frozenset(),
        "it waits for an AFS server",
        "afs_wait_for_call_to_complete(), fs/afs/rxrpc.c",
        "bring the server or the network back",
    ),
    Row(
        "userfault",
        frozenset({"handle_userfault"}),
        frozenset(),
        "it touched memory whose faults a userfaultfd handler serves, and that does not",
        "handle_userfault(), fs/userfaultfd.c",
        "end the handler: its exit wakes all who wait",
    ),
    Row(
        "slow-exit",
        frozenset({"exit_mmap", "unmap_vmas", "free_pgtables", "__mmput", "mmput", "tlb_*", "zap_pte_range"}),
        frozenset({"do_exit", "exit_mm", "__mmput", "mmput", "exit_mmap"}),
        "it gives its memory back, which takes as long as it has much",
        "exit_mmap(), mm/mmap.c",
        "wait",
        Progress.RUNS,
    ),
    Row(
        "core-dump",
        _DUMP,
        frozenset(),
        "it writes its core, to a pipe handler that does not read or a file that does not take it",
        "vfs_coredump(), wait_for_dump_helpers(), fs/coredump.c",
        "end the handler that `cat /proc/sys/kernel/core_pattern` names, or SIGKILL the dumping process",
    ),
    Row(
        "core-dump",
        frozenset({"coredump_task_exit"}),
        frozenset({"do_exit"}),
        "another thread of it writes the core, and this one waits for that",
        "coredump_task_exit(), kernel/exit.c",
        "end the core dump's handler, or SIGKILL the dumping process",
    ),
    Row(
        "vfork",
        frozenset({"wait_for_vfork_done"}),
        frozenset(),
        "it waits until its vfork() child has executed a program or ended",
        "wait_for_vfork_done(), kernel/fork.c",
        "look at the child: it is what is stuck",
    ),
    Row(
        "freezer",
        frozenset({"__refrigerator", "do_freezer_trap", "freezing_slow_path"}),
        frozenset(),
        "its control group is frozen, and the kill waits until it is thawed",
        "__refrigerator(), kernel/freezer.c; do_freezer_trap(), kernel/signal.c",
        "thaw the control group",
    ),
    Row(
        "ptrace",
        frozenset({"ptrace_stop", "ptrace_notify"}),
        frozenset(),
        "it is stopped for its tracer, which does not let it go on",
        "ptrace_stop(), kernel/signal.c",
        "end the tracer",
    ),
    Row(
        "frozen-filesystem",
        frozenset({"percpu_rwsem_wait", "__sb_start_write", "sb_start_write", "__percpu_down_read"}),
        frozenset(),
        "it wants to write to a filesystem that is frozen",
        "sb_start_write(), include/linux/fs.h; freeze_super(), fs/super.c",
        "`fsfreeze --unfreeze` the mount",
    ),
    Row(
        "block-device",
        frozenset(
            {
                "submit_bio_wait",
                "blk_*",
                "__blk_*",
                "bio_*",
                "wait_on_buffer",
                "__wait_on_buffer",
                "__bread_gfp",
                "bit_wait_io",
                "io_schedule",
                "io_schedule_timeout",
                "jbd2_*",
                "xfs_*",
                "ext4_*",
                "btrfs_*",
                "dm_*",
                "md_*",
                "nbd_*",
            }
        ),
        frozenset(),
        "it waits for a disk, or for a filesystem that waits for one",
        "io_schedule(), kernel/sched/core.c",
        "look at the device: dmesg, its multipath, `dmsetup info`, its network",
    ),
)

UNREAPED = Row(
    "unreaped",
    frozenset(),
    frozenset(),
    "it is dead, and its parent outside the namespace does not reap it",
    "zap_pid_ns_processes(), kernel/pid_namespace.c: a child that came in by setns() is its own parent's to reap",
    "continue or end the parent",
)
TRACED = Row(
    "ptrace",
    frozenset(),
    frozenset(),
    "it is dead, and its tracer, which has the first right to it, does not wait for it",
    "exit_notify() with ptrace, kernel/exit.c",
    "end the tracer",
)
EXECUTING = Row(
    "execve",
    frozenset(),
    frozenset(),
    "it is in an execve() that does not end; whoever reads its stat, stack or descriptors waits with it, as `ps` does",
    "begin_new_exec() → do_close_on_exec(), with exec_update_lock held, fs/exec.c",
    "abort the FUSE connection in its mountinfo that counts a waiting request: execve() closes a file of it",
)
STOPPED = Row(
    "stopped",
    frozenset(),
    frozenset(),
    "it is stopped",
    "do_signal_stop(), kernel/signal.c",
    "continue it: kill -CONT",
)
RUNS = Row(
    "slow-exit",
    frozenset(),
    frozenset(),
    "it runs: its exit is under way",
    "do_exit(), kernel/exit.c",
    "wait",
    Progress.RUNS,
)
UNKNOWN = Row(
    "unknown",
    frozenset(),
    frozenset(),
    "for a reason that is not in the table",
    "",
    "keep the stack, and look at what its functions wait for",
    Progress.UNKNOWN,
)
PARTICULAR = (EXECUTING, UNREAPED, TRACED, STOPPED, RUNS, UNKNOWN)
"""Rows that something else than a stack tells."""


def of_stack(functions: tuple[str, ...]) -> Row | None:
    """`functions`: innermost first."""
    for row in TABLE:
        at = next((place for place, name in enumerate(functions) if _among(name, row.has)), None)
        if at is not None and (not row.under or any(_among(name, row.under) for name in functions[at + 1 :])):
            return row
    return None


def of_task(task: Task) -> Row:
    """What keeps a task that is to end; `UNKNOWN` where nothing tells."""
    if task.zombie:
        return TRACED if task.tracer else UNREAPED
    if task.held:
        return EXECUTING
    if task.frozen is not None:
        return _named("freezer")
    if task.stack is None and task.exiting and kernel_names.awaits_fuse(task.functions):
        return _named("fuse-flush-exit")  # a request awaited in the exit is a file's FLUSH
    found = of_stack(task.functions)
    if found is not None:
        return found
    if task.state in "Tt":
        return STOPPED
    return RUNS if task.state == "R" else UNKNOWN


def _named(kind: str) -> Row:
    return next(row for row in TABLE if row.kind == kind)


def rank(kind: str) -> int:
    """The place in the table: of several, the first is what is to be looked at."""
    kinds = [row.kind for row in (*TABLE, *PARTICULAR)]
    return kinds.index(kind)


def kinds() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.kind for row in (*TABLE, *PARTICULAR)))


def _among(name: str, names: Iterable[str]) -> bool:
    return any(name.startswith(each[:-1]) if each.endswith("*") else name == each for each in names)
