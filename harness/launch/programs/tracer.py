"""Seizes a task (PTRACE_SEIZE), which goes on running, and never waits for it: only the tracer can reap it then."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from fakefs.notify import notify

PTRACE_SEIZE = 0x4206  # include/uapi/linux/ptrace.h


def main(pid: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    libc.prctl(15, b"fusezap-tracer", 0, 0, 0)
    if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
        number = ctypes.get_errno()
        notify(f"ERRNO={number}", f"STATUS=PTRACE_SEIZE of {pid}: {os.strerror(number)}")
        return 1
    notify("READY=1", f"STATUS=traces {pid}")
    signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
