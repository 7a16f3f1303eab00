"""Lines around a stack: where it begins and ends, which work a kworker runs, which kernel and system call it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.explain import lines

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 10
SURE = ("TASK>", "Call Trace:", "Call trace:", "RIP: 0033", "RIP: 002b", "ORIG_RAX", " RBX: ", " R11: ", " R14: ")
MARKS = (
    "Call Trace",
    "Call trace",
    "Backtrace:",
    "TASK>",
    "IRQ>",
    "Workqueue:",
    "ainted",
    "Linux version",
    "ORIG_RAX",
    "RIP: 0033",
    "fuse/connections",
)
SUMMARY = "begin and end of stacks, Workqueue:, the kernel's version, registers"
HINT = (
    r"Call [Tt]race|Backtrace:|TASK>|IRQ>|NMI>|Workqueue:|[Tt]ainted|Linux version|Kernel [Vv]ersion|uname"
    r"|^Linux \S+ \d"
    r"|ORIG_RAX|RIP: 0033|RIP: 002b|NIP \[|Modules linked in|Code: |^R[A-Z0-9]{2}: |^\s*r\d+:[0-9a-f]{8}"
    r"|fuse/connections/\d|kernel:? \d\.\d+"
)

_BEGIN = re.compile(r"^(?:Call [Tt]race|Backtrace)\s*:\s*(?:\([^)]*\))?\s*$|(?:^|\s)Call [Tt]race:\s*$")
_WORK = re.compile(r"Workqueue:\s*(\S+)\s+([\w.]+)(?:\s+\[[\w-]+\])?(?:\s+\(([^)]*)\))?")
_FLUSH = re.compile(r"flush-(\d+):(\d+)(?:-([\w.-]+))?")
_BTRFS = re.compile(r"flush-([a-z][\w]*)-(\d+)")
_RELEASE = r"([2-9]\.\d{1,2}(?:\.\d+)?[\w.+~-]*)"
_TAINTED = re.compile(rf"[Tt]ainted(?::[A-Z()\s_-]{{1,80}})?\s{_RELEASE}(?:\s|$)")
_VERSION = re.compile(rf"(?:Linux version|Kernel [Vv]ersion\s*:?|^Linux \S+|[Kk]ernel:?)\s+(?:`|v)?{_RELEASE}")
_MACHINE = re.compile(r"\b(x86_64|aarch64|armv7l|armv6l|ppc64le|s390x|riscv64|i[36]86)\b")
_CALL = re.compile(r"ORIG_RAX: ([0-9a-f]{16})")
_CONNECTION = re.compile(r"fuse/connections/(\d+)")
_X86_64 = {
    0: "read", 1: "write", 2: "open", 3: "close", 4: "stat", 5: "fstat", 6: "lstat", 9: "mmap", 11: "munmap",
    16: "ioctl", 17: "pread64", 18: "pwrite64", 20: "writev", 41: "socket", 56: "clone", 57: "fork", 58: "vfork",
    59: "execve", 60: "exit", 61: "wait4", 73: "flock", 74: "fsync", 75: "fdatasync", 77: "ftruncate",
    78: "getdents", 80: "chdir", 82: "rename", 83: "mkdir", 84: "rmdir", 86: "link", 87: "unlink", 88: "symlink",
    90: "chmod", 92: "chown", 101: "ptrace", 138: "fstatfs", 137: "statfs", 155: "pivot_root", 162: "sync",
    165: "mount", 166: "umount2", 202: "futex", 217: "getdents64", 231: "exit_group", 240: "mq_open", 257: "openat",
    262: "newfstatat", 263: "unlinkat", 272: "unshare", 306: "syncfs", 308: "setns", 332: "statx", 322: "execveat",
    435: "clone3", 437: "openat2",
}  # fmt: skip
"""arch/x86/entry/syscalls/syscall_64.tbl: those that are seen to hang."""


_QUICK = re.compile(r"R(?!IP: 0010)[A-Z0-9]{2}: |Tainted: (?!.*[Cc]omm:)|Not tainted (?!.*[Cc]omm:)")
_REGISTERS = re.compile(r"RIP: (?:0033|002b)|^R(?!IP)[A-Z0-9]{2}: |^\s*r\d+:[0-9a-f]{8}|^Code: |Modules linked in")


def quick(raw: str, builder: Builder) -> bool:
    if "TASK>" in raw:
        builder.from_origin(lines.caller(raw))
        if "</TASK>" in raw:
            builder.end_stack()
        return True
    if raw.endswith((" Call Trace:", " Call trace:")):
        builder.from_origin(lines.caller(raw))
        return read(raw, builder)
    if ("ainted" in raw or ": 0" in raw or ": f" in raw) and lines.plain(raw):
        return _behind_time(raw, builder)
    return False


def _behind_time(raw: str, builder: Builder) -> bool:
    """The line of the kernel's version, `Tainted: …`, or of registers, `RAX: …`, behind dmesg's time."""
    _, bracket, tail = raw.partition("] ")
    text = tail.strip()
    if not bracket or "Workqueue:" in text or not _QUICK.match(text):
        return False
    builder.from_origin(lines.caller(raw))
    return read(text, builder)


def read(text: str, builder: Builder) -> bool:
    if "TASK>" in text or "IRQ>" in text:
        if "</TASK>" in text:
            builder.end_stack()
        return True
    if ("race" in text) and _BEGIN.search(text):
        builder.begin_stack()
        builder.met("markers")
        if "Call trace" in text and not builder.architecture:
            builder.architecture = "aarch64"  # arch/arm64/kernel/stacktrace.c writes it with a small t
        return True
    if "Workqueue:" in text and (found := _WORK.search(text)) is not None:
        builder.also(workqueue=" ".join(each for each in found.groups() if each))
        _flusher(text, builder)
        return True
    if "ORIG_RAX" in text and (found := _CALL.search(text)) is not None:
        builder.also(syscall=_X86_64.get(int(found[1], 16), ""))
        builder.end_stack()
        return True
    if _REGISTERS.search(text):
        if "RIP" in text:
            builder.end_stack()
        return True
    if "connections" in text and (found := _CONNECTION.search(text)) is not None:
        builder.connection(int(found[1]))
        return True
    _release(text, builder)
    return "ainted" in text and "Comm:" not in text and "comm:" not in text


def _flusher(text: str, builder: Builder) -> None:
    found = _FLUSH.search(text)
    if found is not None:
        builder.mount(found[3] or "", int(found[1]), int(found[2]))


def _release(text: str, builder: Builder) -> None:
    if builder.kernel and builder.architecture:
        return
    found = _TAINTED.search(text) or _VERSION.search(text)
    if found is None:
        return
    if not builder.kernel:
        builder.kernel = found[1].rstrip(".,-")
    machine = _MACHINE.search(text)
    if machine is not None and not builder.architecture:
        builder.architecture = machine[1]
