"""The kernels that have the functions of a stack: an estimate, where a text does not name its kernel.  Data."""

from __future__ import annotations

Version = tuple[int, int]

_FUNCTIONS: dict[str, tuple[Version | None, Version | None]] = {
    "system_call_fastpath": (None, (4, 0)),
    "entry_SYSCALL_64_fastpath": ((4, 1), (4, 15)),
    "entry_SYSCALL_64_after_hwframe": ((4, 14), None),
    "do_syscall_64": ((4, 6), None),
    "x64_sys_call": ((6, 6), None),
    "exit_to_usermode_loop": ((4, 3), (5, 8)),
    "exit_to_user_mode_loop": ((5, 14), None),
    "exit_to_user_mode_prepare": ((5, 9), (6, 8)),
    "flush_old_exec": (None, (5, 7)),
    "begin_new_exec": ((5, 8), None),
    "_do_fork": ((4, 2), (5, 9)),
    "do_fork": (None, (4, 1)),
    "kernel_clone": ((5, 10), None),
    "do_coredump": (None, (6, 16)),
    "request_wait_answer": ((3, 20), None),
    "fuse_simple_request": ((3, 20), None),
    "fuse_chan_send": ((7, 0), None),
    "fuse_wait_aborted": ((5, 0), None),
    "filp_flush": ((6, 6), None),
    "autofs4_wait": (None, (4, 17)),
    "new_sync_read": ((3, 16), (6, 3)),
    "new_sync_write": ((3, 16), (6, 3)),
    "wait_on_page_bit": (None, (5, 15)),
    "rwsem_down_write_slowpath": ((5, 3), None),
    "call_rwsem_down_write_failed": (None, (5, 2)),
    "call_rwsem_down_read_failed": (None, (5, 2)),
    "__close_fd": ((3, 7), (5, 10)),
    "invoke_syscall": ((5, 14), None),
    "el0_svc_common": ((4, 19), None),
    "el0t_64_sync": ((5, 14), None),
}
"""Function: the first and the last mainline version with it (fs/, kernel/, arch/ at those tags); vendors backport."""
_PREFIXES: tuple[tuple[str, Version | None, Version | None], ...] = (
    ("SyS_", None, (4, 16)),
    ("__x64_sys_", (4, 17), None),
    ("__arm64_sys_", (4, 19), None),
    ("folio_", (5, 16), None),
    ("ksys_", (4, 17), None),
)


def estimate(functions: tuple[str, ...]) -> str:
    """The range of versions that the names allow: `4.17 to 5.8`, `6.6 and newer`; "" where they tell nothing."""
    first: Version | None = None
    last: Version | None = None
    for function in functions:
        since, until = _FUNCTIONS.get(function, (None, None))
        for prefix, begins, ends in _PREFIXES:
            if function.startswith(prefix):
                since, until = begins, ends
        if since is not None and (first is None or since > first):
            first = since
        if until is not None and (last is None or until < last):
            last = until
    if first is not None and last is not None:
        return f"{_text(first)} to {_text(last)}" if first <= last else ""
    if first is not None:
        return f"{_text(first)} and newer"
    return f"{_text(last)} and older" if last is not None else ""


def _text(version: Version) -> str:
    """4.0 was called 3.20 until its first candidate."""
    return "4.0" if version == (3, 20) else f"{version[0]}.{version[1]}"
