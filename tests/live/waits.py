"""Programs that wait in the kernel, one a kind of the table; `python -m tests.live.waits` prints their stacks as JSON.

Each ends by SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.blockers import table
from harness.linux.polling import wait_until

_BEGIN = "import ctypes, fcntl, mmap, os, struct, tempfile\nlibc = ctypes.CDLL(None, use_errno=True)\n"
PROGRAMS = {
    "vfork": "libc.vfork() or libc.pause()",
    "ptrace": "libc.ptrace(0, 0, 0, 0)\nos.kill(os.getpid(), 19)",
    "stopped": "os.kill(os.getpid(), 19)",
    "file-lock": "file = tempfile.NamedTemporaryFile()\nother = open(file.name)\n"
    "fcntl.flock(file, fcntl.LOCK_EX)\nfcntl.flock(other, fcntl.LOCK_EX)",
    "ipc": "queue = libc.msgget(0, 0o600)\nprint(queue, flush=True)\n"
    "libc.msgrcv(queue, ctypes.create_string_buffer(64), 8, 0, 0)",
    "child": "os.fork() or libc.pause()\nos.wait()",
    # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER: getppid() is the listener's to answer
    "seccomp-notify": """\
code = b"".join(struct.pack("HBBI", *each) for each in
    ((0x20, 0, 0, 0), (0x15, 0, 1, 110), (6, 0, 0, 0x7FC00000), (6, 0, 0, 0x7FFF0000)))
buffer = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer))
libc.prctl(38, 1, 0, 0, 0)
assert libc.syscall(317, 1, 8, program) >= 0
libc.getppid()""",
    # UFFDIO_API, UFFDIO_REGISTER for missing pages: the first touch is the listener's to answer
    "userfault": """\
listener = libc.syscall(323, 0)
assert listener >= 0
fcntl.ioctl(listener, 0xC018AA3F, struct.pack("QQQ", 0xAA, 0, 0))
memory = mmap.mmap(-1, 4096)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
fcntl.ioctl(listener, 0xC020AA00, struct.pack("QQQQ", address, 4096, 1, 0))
memory[0]""",
}
"""Python programs for x86_64, by the kind of the row that explains each."""


def stack(pid: int) -> tuple[str, ...]:
    """The functions of a task's kernel stack, innermost first; () where it runs."""
    lines = Path(f"/proc/{pid}/stack").read_text().splitlines()
    return tuple(line.split()[-1].partition("+")[0] for line in lines)


def _waits(pid: int, kind: str) -> bool:
    found = table.of_stack(tuple(each.partition(".")[0] for each in stack(pid)))
    return found is not None and found.kind == kind


@contextmanager
def waiting(kind: str) -> Iterator[int]:
    """The PID of a program that waits so.

    Raises:
        TimeoutError: Its stack does not come to be explained so.
    """
    program = subprocess.Popen(
        [sys.executable, "-c", _BEGIN + PROGRAMS[kind]], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        wait_until(f"a program waits in {kind}", 20, lambda: _waits(program.pid, kind))
        yield program.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        out, _ = program.communicate()
        if kind == "ipc":
            subprocess.run(["ipcrm", "-q", out.strip()], check=False)


def main() -> None:
    recorded = {}
    for kind in PROGRAMS:
        with waiting(kind) as pid:
            recorded[kind] = list(stack(pid))
    print(json.dumps({"kernel": os.uname().release.partition("-")[0], "stacks": recorded}, indent=1))


if __name__ == "__main__":
    main()
