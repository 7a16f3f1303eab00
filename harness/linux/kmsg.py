"""The kernel's log, from a mark on (/dev/kmsg: Documentation/ABI/testing/dev-kmsg)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from harness.linux import procfs

_REMARKABLE = re.compile(
    r"^(WARNING: |BUG: |kernel BUG at |Oops: |general protection fault|INFO: (task|rcu|possible) |rcu: INFO: "
    r"|watchdog: BUG: |Out of memory: |KASAN: |UBSAN: )"
)
TAINTS = (1 << 5) | (1 << 7) | (1 << 9) | (1 << 14)
"""Bad page, died (Oops or BUG), warned, soft lockup: Documentation/admin-guide/tainted-kernels.rst."""


def remarkable(record: str) -> str | None:
    """The message of `6,1234,5678,-;text`, where it is one that the kernel says of a fault of its own."""
    head, semicolon, message = record.partition(";")
    if not semicolon or not head[:1].isdigit():
        return None
    text = message.partition("\n")[0]
    return text if _REMARKABLE.match(text) else None


def line_of(record: str) -> str | None:
    """`6,1234,5678901,-;text` as dmesg prints it: `[    5.678901] text`."""
    head, semicolon, message = record.partition(";")
    fields = head.split(",")
    if not semicolon or len(fields) < 3 or not fields[2].isdigit():
        return None
    return f"[{int(fields[2]) / 1e6:12.6f}] {message.partition(chr(10))[0]}"


def read_all() -> str:
    """Return all that the kernel's log still has, as dmesg prints it; nothing for a user who may not read it."""
    lines = []
    try:
        fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        for record in _records(fd):
            line = line_of(record)
            if line is not None:
                lines.append(f"{line}\n")
    finally:
        os.close(fd)
    return "".join(lines)


def _records(fd: int) -> Iterator[str]:
    """Those from where the descriptor stands up to now."""
    while True:
        try:
            yield os.read(fd, 8192).decode(errors="replace")
        except BlockingIOError:
            return
        except BrokenPipeError:
            continue  # records were overwritten meanwhile; the next read goes on after them


def parse_taints(text: str) -> int:
    return int(text) & TAINTS


class Log:
    """Reads nothing that was there before the mark; of a user who may not read it, nothing at all."""

    def __init__(self) -> None:
        try:
            self._fd: int | None = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._fd = None
        self._taints = self._read_taints()

    def mark(self) -> None:
        if self._fd is not None:
            os.lseek(self._fd, 0, os.SEEK_END)

    def warnings(self) -> tuple[str, ...]:
        """Each once."""
        found: dict[str, None] = {}
        for record in () if self._fd is None else _records(self._fd):
            text = remarkable(record)
            if text is not None:
                found.setdefault(text)
        return tuple(found)

    def tainted(self) -> bool:
        """A bit more than when this was made."""
        return bool(self._read_taints() & ~self._taints)

    def _read_taints(self) -> int:
        return parse_taints(procfs.read("/proc/sys/kernel/tainted"))
