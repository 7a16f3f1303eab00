"""System calls that Python 3.11 does not wrap: three lines each, OSError on failure."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import NamedTuple

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_FORCE = 0x1
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

_SYS_KCMP = {"x86_64": 312, "aarch64": 272, "riscv64": 272, "ppc64le": 354, "s390x": 343}.get(os.uname().machine)
_KCMP_FILE, _KCMP_FILES = 0, 2

_SYS_PIVOT_ROOT = 155 if os.uname().machine == "x86_64" else 41
_SYS_STATX = 332 if os.uname().machine == "x86_64" else 291
_SYS_READ_MEMORY = 310 if os.uname().machine == "x86_64" else 270
_AT_FDCWD = -100
_AT_STATX_DONT_SYNC = 0x4000
_STATX_ASKED = 0x1 | 0x1000  # STATX_TYPE, STATX_MNT_ID

_libc = ctypes.CDLL(None, use_errno=True)
_libc.unshare.argtypes = [ctypes.c_int]
_libc.setns.argtypes = [ctypes.c_int, ctypes.c_int]
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int) -> None:
    _check(_libc.setns(fd, kind), "setns")


def mount(source: str, target: str, fstype: str | None, flags: int = 0, data: str | None = None) -> None:
    kind, text = (None if value is None else value.encode() for value in (fstype, data))
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), kind, flags, text), f"mount {target}")


def pivot_root_here() -> None:
    """Make the working directory, a mount point, the root of the mount namespace; the old root lies on top of it."""
    _check(_libc.syscall(_SYS_PIVOT_ROOT, b".", b"."), "pivot_root")


def umount(target: str, flags: int = 0) -> None:
    _check(_libc.umount2(os.fsencode(target), flags), f"umount {target}")


def same_descriptor_table(tid1: int, tid2: int) -> bool | None:
    """kcmp(2): do the two tasks share one descriptor table?  None where the kernel or our rights do not tell."""
    if _SYS_KCMP is None:
        return None
    result: int = _libc.syscall(_SYS_KCMP, tid1, tid2, _KCMP_FILES, 0, 0)
    return None if result < 0 else result == 0


def same_open_file(tid1: int, fd1: int, tid2: int, fd2: int) -> bool | None:
    """kcmp(2): are the two descriptors one open file?  None where the kernel or our rights do not tell."""
    if _SYS_KCMP is None:
        return None
    result: int = _libc.syscall(_SYS_KCMP, tid1, tid2, _KCMP_FILE, ctypes.c_ulong(fd1), ctypes.c_ulong(fd2))
    return None if result < 0 else result == 0


def read_memory(pid: int, address: int, size: int) -> bytes:
    """process_vm_readv(2): `size` bytes of the memory of another process.

    Raises:
        OSError: The process is gone, may not be read, or has no such memory.
    """
    buffer = ctypes.create_string_buffer(size)
    ours, theirs = _Part(ctypes.addressof(buffer), size), _Part(address, size)
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)  # whole registers: syscall(2) has no prototype
    got: int = _libc.syscall(_SYS_READ_MEMORY, pid, ctypes.byref(ours), one, ctypes.byref(theirs), one, none)
    if _check(got, f"the memory of process {pid}") != size:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT), f"the memory of process {pid}")
    return buffer.raw


class _Part(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_size_t), ("size", ctypes.c_size_t))


class Statx(NamedTuple):
    """The answer of statx(2) about a file, for which nobody is asked."""

    mode: int
    device: tuple[int, int]
    """Major and minor number of the filesystem's device."""
    node: tuple[int, int]
    """Major and minor number of a device node's device; (0, 0) for other files."""
    mount: int
    """The number of its mount; 0 where the kernel does not say it (STATX_MNT_ID, since 5.8)."""


def statx_cached(path: str) -> Statx:
    """Describe a file by what the kernel knows already (AT_STATX_DONT_SYNC): a FUSE server is not asked.

    A plain stat(2) of a FUSE file sends GETATTR, and hangs with its server (fuse_update_get_attr(), fs/fuse/dir.c).

    Raises:
        OSError: The file is gone, we may not follow the link, or the kernel has no statx(2) (before 4.11).
    """
    buffer = ctypes.create_string_buffer(256)
    result: int = _libc.syscall(
        _SYS_STATX, _AT_FDCWD, os.fsencode(path), _AT_STATX_DONT_SYNC, _STATX_ASKED, ctypes.byref(buffer)
    )
    _check(result, path)
    (mode,) = struct.unpack_from("=H", buffer, 28)
    numbers = struct.unpack_from("=IIII", buffer, 128)  # stx_rdev_major, _minor, stx_dev_major, _minor
    (mount,) = struct.unpack_from("=Q", buffer, 144)  # stx_mnt_id; the buffer was zero where it is not filled in
    return Statx(mode, numbers[2:], numbers[:2], mount)
