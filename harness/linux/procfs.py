"""/proc, read so that no reading can hang.

Only stat, status, stack, wchan, children, fdinfo, mountinfo and the names of links are read: none of them takes the
mmap lock or asks a filesystem.  Of a task inside an execve() that hangs, all but status and mountinfo make the reader
wait, killably (`linux/timed_reader.py`).  cmdline, environ, maps, smaps and mem take the lock of the task's address
space (`mmap_lock`, fs/proc/base.c) and can hang with it.  Each `parse_*` is pure; each `read_*` raises OSError when the
task is gone (FileNotFoundError, ProcessLookupError) or closed to us (PermissionError).
"""

from __future__ import annotations

import errno
import os
import re
from typing import NamedTuple

CAP_SYS_PTRACE = 19
CAP_SYS_ADMIN = 21

_KTHREADD = 2
LONG_NAME = "/..."
"""The name of an open file whose path the kernel does not print; it may be any file, the device too."""
GONE = (FileNotFoundError, ProcessLookupError)
"""Exceptions of a reading whose task has vanished meanwhile."""

_STATUS_LINE = re.compile(
    r"^(Tgid|TracerPid|NSpid|FDSize|SigPnd|ShdPnd|voluntary_ctxt_switches|nonvoluntary_ctxt_switches):\t(.*)$",
    re.MULTILINE,
)


class Stat(NamedTuple):
    """The fields of /proc/PID/stat that are used here."""

    comm: str
    state: str
    ppid: int
    flags: int
    threads: int
    start_time: int
    session: int = 0
    processor: int | None = None
    """The CPU on which it ran last; None where only its status could be read."""


class Status(NamedTuple):
    """The fields of /proc/PID/status that are used here."""

    tgid: int
    tracer: int
    ns_tids: tuple[int, ...]
    fd_slots: int | None
    pending: int
    shared_pending: int
    switches: int | None


def read(path: str) -> str:
    """The whole file, for those of many records: a read hands out as many as fit, and more may follow."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = b""
        while chunk := os.read(fd, 65536):
            data += chunk
    finally:
        os.close(fd)
    return data.decode("utf-8", "surrogateescape")


def read_record(path: str) -> str:
    """A file of one record, which one read hands out whole (single_open(), fs/seq_file.c): stat, status, fdinfo, …"""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 65536).decode("utf-8", "surrogateescape")
    finally:
        os.close(fd)


def parse_stat(text: str) -> Stat:
    """The comm may hold blanks and parentheses: it ends at the last `)`."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    if len(fields) < 20:
        raise ValueError(f"no stat of a task: {text[:80]!r}")
    return Stat(
        comm=head.partition("(")[2],
        state=fields[0],
        ppid=int(fields[1]),
        flags=int(fields[6]),
        threads=int(fields[17]),
        start_time=int(fields[19]),
        session=int(fields[3]),
        processor=int(fields[36]) if len(fields) > 36 else None,
    )


def parse_status(text: str) -> Status:
    """A zombie has fewer lines than a live task; what is missing counts as 0, or as None where 0 has a meaning."""
    fields = dict(_STATUS_LINE.findall(text))
    if "Tgid" not in fields:
        raise ValueError(f"no status of a task: {text[:80]!r}")
    voluntary, forced = fields.get("voluntary_ctxt_switches"), fields.get("nonvoluntary_ctxt_switches")
    return Status(
        tgid=int(fields["Tgid"]),
        tracer=int(fields.get("TracerPid", 0)),
        ns_tids=tuple(int(number) for number in fields.get("NSpid", "").split()),
        fd_slots=int(fields["FDSize"]) if "FDSize" in fields else None,
        pending=int(fields.get("SigPnd", "0"), 16),
        shared_pending=int(fields.get("ShdPnd", "0"), 16),
        switches=int(voluntary) + int(forced) if voluntary and forced else None,
    )


def parse_stat_of_status(text: str) -> Stat:
    """The fields of stat that are in status too; flags and start time are not, and count as 0.  For a task whose
    stat makes the reader wait: do_task_stat() takes the `exec_update_lock` (measured on 6.18), this does not."""
    fields = dict(line.split(":\t", 1) for line in text.split("\n") if ":\t" in line)
    if not {"Name", "State", "PPid", "Threads"} <= fields.keys():
        raise ValueError(f"no status of a task: {text[:80]!r}")
    return Stat(fields["Name"], fields["State"][:1], int(fields["PPid"]), 0, int(fields["Threads"]), 0)


def parse_stack(text: str) -> tuple[str, ...]:
    """`[<0>] fuse_flush+0x155/0x190 [fuse]` → `fuse_flush+0x155/0x190 [fuse]`, innermost first."""
    return tuple(line.partition("] ")[2] for line in text.split("\n") if line.startswith("[<"))


def parse_fdinfo_connection(text: str) -> int | None:
    """The connection that a /dev/fuse descriptor serves, where the kernel says it (`fuse_connection: N`)."""
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        if key == "fuse_connection":
            return int(value)
    return None


def is_path_only(text: str) -> bool:
    """Return whether an fdinfo is of a descriptor that was opened with O_PATH.

    It has no file of the driver's behind it, so nothing can be read from it (do_dentry_open(), fs/open.c).
    """
    flags = next((line.partition(":")[2] for line in text.split("\n") if line.startswith("flags:")), "0")
    return bool(int(flags, 8) & os.O_PATH)


def parse_fdinfo_in_flight(text: str) -> int:
    """Files in a UNIX socket's receive queue (`scm_fds:`); 0 for other sockets and on kernels that do not say."""
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        if key == "scm_fds":
            return int(value)
    return 0


def pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def user_pids() -> list[int]:
    """The same without the children of kthreadd, where it is seen and they can be read (CONFIG_PROC_CHILDREN): kernel
    threads, and helpers that the kernel has started (call_usermodehelper()).  For searches on which no proof rests."""
    kernel: frozenset[int] = frozenset()
    try:
        stat = read_process_stat(_KTHREADD)
        if stat.comm == "kthreadd" and stat.ppid == 0:
            kernel = frozenset((_KTHREADD, *read_children(_KTHREADD, _KTHREADD)))
    except OSError:
        pass  # another PID namespace, or another configuration
    return [pid for pid in pids() if pid not in kernel]


def tids(pid: int) -> list[int]:
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def read_stat(tid: int, tgid: int | None = None) -> Stat:
    return parse_stat(read_record(f"/proc/{tgid or tid}/task/{tid}/stat"))


def read_process_stat(pid: int) -> Stat:
    return parse_stat(read_record(f"/proc/{pid}/stat"))


def read_stat_of_status(pid: int) -> Stat:
    return parse_stat_of_status(read_record(f"/proc/{pid}/status"))


def read_status(tid: int, tgid: int) -> Status:
    return parse_status(read_record(f"/proc/{tgid}/task/{tid}/status"))


def read_stack(tid: int, tgid: int) -> tuple[str, ...] | None:
    """None where the kernel does not let us (CAP_SYS_ADMIN in the initial user namespace) or does not have it."""
    try:
        return parse_stack(read_record(f"/proc/{tgid}/task/{tid}/stack"))
    except (PermissionError, FileNotFoundError):
        return None


def read_wchan(tid: int, tgid: int) -> str | None:
    """None where there is none (`0`: it runs, or is dead), or we may not read it."""
    try:
        text = read_record(f"/proc/{tgid}/task/{tid}/wchan")
    except (PermissionError, FileNotFoundError):
        return None
    return None if text in ("", "0") else text


def read_children(tid: int, tgid: int) -> tuple[int, ...]:
    """Children of this thread; FileNotFoundError too where the kernel lacks CONFIG_PROC_CHILDREN."""
    return tuple(int(number) for number in read(f"/proc/{tgid}/task/{tid}/children").split())


def read_namespace(tid: int, tgid: int, kind: str) -> int:
    """Inode of a namespace, from the name of the link, which is never followed.  `kind`: pid, mnt, user, …"""
    link = os.readlink(f"/proc/{tgid}/task/{tid}/ns/{kind}")
    return int(link.partition("[")[2].rstrip("]"))


def read_descriptors(tid: int, tgid: int) -> list[tuple[int, str]]:
    """(descriptor, name behind its link) of the task's descriptor table.

    d_path() gives the name and asks no filesystem; following the link, as stat would, can hang.  A path that is longer
    than a page cannot be had (do_proc_readlink(), fs/proc/base.c): it is called `LONG_NAME`.
    """
    folder = f"/proc/{tgid}/task/{tid}/fd"
    found = []
    for number in os.listdir(folder):
        try:
            found.append((int(number), os.readlink(f"{folder}/{number}")))
        except FileNotFoundError:
            continue  # closed between listing and reading
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            found.append((int(number), LONG_NAME))
    return found


def read_syscall(tid: int, tgid: int) -> tuple[int, ...] | None:
    """Number and arguments of the system call that a task sleeps in; None where it is in none, or may not be read."""
    try:
        words = read_record(f"/proc/{tgid}/task/{tid}/syscall").split()
    except (PermissionError, FileNotFoundError):
        return None
    if not words or not words[0].isdigit():
        return None  # `running`, or `-1`: in an exception
    return (int(words[0]), *(int(word, 16) for word in words[1:7]))


def is_socket(name: str) -> bool:
    return name.startswith("socket:")


def read_fdinfo(tid: int, tgid: int, fd: int) -> str:
    return read_record(f"/proc/{tgid}/task/{tid}/fdinfo/{fd}")


def boot_id() -> str:
    """Names this boot of this kernel: a start time says nothing after a reboot."""
    return read("/proc/sys/kernel/random/boot_id").strip()


def has_capabilities(*numbers: int) -> bool:
    """Return True where this process has all of them in effect (linux/capability.h)."""
    (line,) = (each for each in read_record("/proc/self/status").split("\n") if each.startswith("CapEff:"))
    effective = int(line.split()[1], 16)
    return all(effective & 1 << number for number in numbers)
