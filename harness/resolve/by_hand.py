"""Equivalent shell commands: each is built as an argv, and quoted here.  Pure.

Names in a command are chosen by whoever is stuck: a control group may be called `x;touch y;#`, a mount point may hold
quotes, newlines and bytes that are no UTF-8.  All of them stay names, and every command is one printable line.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

FORCE, DETACH = 1, 2  # MNT_FORCE, MNT_DETACH: include/uapi/linux/mount.h
_NOFOLLOW = 8  # UMOUNT_NOFOLLOW, since v2.6.34
_EBUSY = 16


def command(argv: Sequence[str]) -> str:
    """Quote a command for a POSIX shell.

    Args:
        argv: the program and its arguments.

    Returns:
        One printable line, to be pasted.
    """
    return " ".join(map(quoted, argv))


def quoted(word: str) -> str:
    """Quote one word for a POSIX shell; what a terminal would not show is in octal, in dollar-single-quotes, which
    bash, zsh, ksh and busybox have, and POSIX since 2024."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(f'{chr(92)}{byte:03o}' for byte in os.fsencode(word))}'"


def literal(name: str) -> str:
    """Write a file name as Python's literal of its bytes, in printable ASCII."""
    return ascii(os.fsencode(name))


def kill(signal: str, *pids: int) -> str:
    """The command that sends a signal, such as `KILL`, to processes."""
    return command(("kill", f"-{signal}", *map(str, pids)))


def write(text: str, path: str) -> str:
    """The command that writes a word to a file of the kernel's.

    Args:
        text: the word.
        path: the file, whatever its name.
    """
    return f"{command(('echo', text))} > {quoted(path)}"


def python(code: str) -> str:
    """The command that runs Python code, in isolated mode: nothing in the current folder or the environment is run."""
    return command(("python3", "-I", "-c", code))


def unmount(task: str, point: str, flags: int, user_ns: str | None = None) -> str:
    """The command that unmounts in a container whose init is dead.

    `nsenter … umount` does not do it: umount(8) reads /proc/self/mountinfo first, and the /proc of a dying PID
    namespace has no `self`.  So the system call is made, by the Python of whoever types, and its answer is checked.
    EBUSY of a forced unmount is no failure: fuse_umount_begin() aborts the connection first.

    Args:
        task: the task's folder in /proc, whose mount namespace and root are entered.
        point: the mount point, as the task's mountinfo has it; a link in its place is not followed.
        flags: FORCE or DETACH.
        user_ns: the file of the user namespace to enter before, where one is needed.
    """
    opened = {"r": f"{task}/root", "m": f"{task}/ns/mnt"} | ({"u": user_ns} if user_ns else {})
    fine = (0, _EBUSY) if flags & FORCE else (0,)
    steps = [
        "import ctypes,os,sys",
        "c=ctypes.CDLL(None,use_errno=True)",
        "f=lambda s,*fine:s and ctypes.get_errno() not in fine and sys.exit(os.strerror(ctypes.get_errno()))",
        *(f"{name}=os.open({literal(path)},0)" for name, path in opened.items()),
        *(["f(c.setns(u,0))"] if user_ns else []),
        "f(c.setns(m,0))",
        "os.fchdir(r)",
        "os.chroot('.')",
        f"f(c.umount2({literal(point)},{flags | _NOFOLLOW}),{','.join(map(str, fine))})",
    ]
    return python("; ".join(steps))
