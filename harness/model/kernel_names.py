"""Names and meanings of the kernel functions that matter.  Data: a new kernel's name is a new entry here.

Measured on 5.10, 6.1, 6.12, 6.18 and 7.2.  Compiler suffixes (`.part.0`, `.isra.0`) and ` [fuse]` are gone by the time
a name is looked up (`model.function_of`).
"""

from __future__ import annotations

from collections.abc import Iterable

FUSE_WAIT = frozenset({"request_wait_answer", "__fuse_request_send"})
"""Sleeps until a FUSE request is answered or the connection aborted: the first on every kernel measured, and since
4.x; the
second from 3.10 to 3.19."""

FUSE_BACKGROUND = frozenset(
    {
        "fuse_set_nowrite",
        "fuse_wait_on_page_writeback",
        "fuse_wait_on_folio_writeback",
        "fuse_get_req",
        "fuse_block_alloc",
        "fuse_sync_writes",
        "fuse_sync_fs_writes",
    }
)
"""Sleeps until requests of others end: writes under way, INIT, or as many as let the connection take more."""

WRITEBACK = frozenset(
    {"folio_wait_writeback", "wait_on_page_writeback", "wait_on_page_bit", "wb_wait_for_completion", "sync_inodes_sb"}
)
"""Sleeps until dirty pages have been written; whose pages, the functions around it say."""

FUSE_LOCK = frozenset({"fuse_lock_inode"})
LOCK_WAIT = frozenset(
    {
        "__mutex_lock",
        "__mutex_lock_slowpath",
        "mutex_lock",
        "down_read",
        "down_write",
        "down_write_killable",
        "down_read_killable",
        "rwsem_down_read_slowpath",
        "rwsem_down_write_slowpath",
        "d_alloc_parallel",
        "d_wait_lookup",
    }
)
"""Sleeps for a lock.  /proc/PID/stack leaves out most of these (`__sched` text); messages about hung tasks show
them."""

CLOSING = frozenset(
    {
        "__close_range",
        "__do_sys_close_range",
        "__se_sys_close_range",
        "__x64_sys_close_range",
        "__arm64_sys_close_range",
        "do_close_on_exec",
        "put_files_struct",
        "close_files",
    }
)
"""Closes several files: those before the one that it waits for are released by its task work (fput(),
fs/file_table.c)."""

CLOSED = frozenset({"filp_close", "filp_flush", "fuse_flush", "__fput", "fput", "do_exit"})
"""The file that it waits for is being closed: no descriptor shows it any more."""
FROZEN = frozenset({"__refrigerator", "do_freezer_trap"})
DE_THREAD = frozenset({"de_thread"})
URING_EXIT = frozenset({"io_wq_put_and_exit", "io_uring_cancel_generic", "io_ring_exit_work"})
FAULT = frozenset({"exc_page_fault", "do_user_addr_fault", "handle_mm_fault", "do_page_fault", "asm_exc_page_fault"})

FUSE_FLUSH = frozenset({"fuse_flush", "fuse_do_flush"})
ZAP = frozenset({"zap_pid_ns_processes"})
PTRACE_STOP = frozenset({"ptrace_stop"})
EXIT = frozenset({"do_exit", "make_task_dead"})
WAIT = frozenset({"do_wait", "kernel_wait4", "zap_pid_ns_processes"})

MEANING = {
    "request_wait_answer": "sleeps until the FUSE server answers, or the connection is aborted",
    "fuse_simple_request": "sends one request to the FUSE server",
    "__fuse_simple_request": "sends one request to the FUSE server",
    "fuse_chan_send": "sends one request to the FUSE server",
    "fuse_flush": "close() of a FUSE file: FLUSH is sent and its answer awaited",
    "fuse_do_flush": "close() of a FUSE file: FLUSH is sent and its answer awaited",
    "fuse_fsync": "fsync() of a FUSE file: FSYNC is sent and its answer awaited",
    "fuse_fsync_common": "fsync() of a FUSE file: FSYNC is sent and its answer awaited",
    "fuse_perform_write": "write() to a FUSE file through the page cache: WRITE is sent and its answer awaited",
    "fuse_send_write_pages": "write() to a FUSE file through the page cache: WRITE is sent and its answer awaited",
    "fuse_direct_io": "read() or write() of a FUSE file past the page cache",
    "fuse_file_open": "open() of a FUSE file: OPEN is sent and its answer awaited",
    "fuse_send_open": "open() of a FUSE file: OPEN is sent and its answer awaited",
    "fuse_lookup_name": "a name on a FUSE mount is looked up: LOOKUP is sent and its answer awaited",
    "fuse_do_getattr": "stat() of a FUSE file: GETATTR is sent and its answer awaited",
    "fuse_dev_do_read": "a FUSE server waits for the next request",
    "ptrace_stop": "stopped for its tracer",
    "__refrigerator": "frozen by its cgroup",
    "do_freezer_trap": "frozen by its cgroup (v2)",
    "filp_flush": "a descriptor is being closed",
    "filp_close": "a descriptor is being closed",
    "close_files": "all descriptors of the task are being closed",
    "put_files_struct": "all descriptors of the task are being closed",
    "exit_files": "all descriptors of the task are being closed",
    "do_exit": "the task is exiting: no signal reaches it any more",
    "do_group_exit": "the whole thread group exits",
    "get_signal": "a fatal signal is being acted on",
    "zap_pid_ns_processes": "init of a PID namespace: has killed every task in it, waits until all are reaped",
    "kernel_wait4": "waits for a child to reap",
    "do_wait": "waits for a child to reap",
}


def has(functions: Iterable[str], names: frozenset[str]) -> bool:
    return not names.isdisjoint(functions)


def awaits_fuse(functions: Iterable[str]) -> bool:
    """It sleeps until a FUSE server answers."""
    return has(functions, FUSE_WAIT)


def may_be_frozen(functions: tuple[str, ...]) -> bool:
    """It sleeps in a freezer, or where that of cgroup v2 is when the compiler has inlined do_freezer_trap() into
    get_signal() (6.18; kernel/signal.c): nothing else sleeps there but a stop."""
    return has(functions, FROZEN) or functions[:1] == ("get_signal",)


def awaits_background(functions: tuple[str, ...]) -> bool:
    """It sleeps until requests that others have sent to a FUSE server end."""
    if has(functions, FUSE_BACKGROUND):
        return True
    place = next((index for index, name in enumerate(functions) if name in WRITEBACK), None)
    return place is not None and any(name.startswith("fuse_") for name in functions[place + 1 :])


def depends_on_fuse(functions: tuple[str, ...]) -> bool:
    """It sleeps for a FUSE server, be it for an answer of its own or for what others wait for."""
    return awaits_fuse(functions) or awaits_background(functions) or awaits_fuse_lock(functions)


def awaits_fuse_lock(functions: tuple[str, ...]) -> bool:
    """It sleeps for a lock of a file or folder that FUSE takes around a request: fuse_lock_inode(), fs/fuse/inode.c."""
    return has(functions[:3], FUSE_LOCK) and not awaits_fuse(functions)


def below(functions: tuple[str, ...], inner: frozenset[str], outer: frozenset[str]) -> bool:
    """An `inner` function was called, directly or not, by an `outer` one; `functions` is innermost first."""
    positions = [index for index, name in enumerate(functions) if name in inner]
    return bool(positions) and any(name in outer for name in functions[positions[0] + 1 :])
