"""How kernels name the functions that matter, and what each means.  Data: a new kernel's name is a new entry here.

Measured on 5.10, 6.1, 6.12, 6.18 and 7.2.  Compiler suffixes (`.part.0`, `.isra.0`) and ` [fuse]` are gone by the time
a name is looked up (`model.function_of`).
"""

from __future__ import annotations

from collections.abc import Iterable

FUSE_WAIT = frozenset({"request_wait_answer"})
"""Sleeps until a FUSE request is answered or the connection aborted; the one FUSE name on every kernel measured."""

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


def below(functions: tuple[str, ...], inner: frozenset[str], outer: frozenset[str]) -> bool:
    """An `inner` function was called, directly or not, by an `outer` one; `functions` is innermost first."""
    positions = [index for index, name in enumerate(functions) if name in inner]
    return bool(positions) and any(name in outer for name in functions[positions[0] + 1 :])
