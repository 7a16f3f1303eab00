"""Tries to enter the PID namespace, as `docker exec` does, in a child that touches nothing else."""

from __future__ import annotations

import os

from harness.boundary import contain
from harness.errors import BugError
from harness.linux.syscalls import CLONE_NEWPID, CLONE_NEWUSER, setns
from harness.model.records import Entry


def try_entry(init: int, user_ns_of: int | None) -> Entry:
    """setns(2) into the namespace of `init`, then fork.  `user_ns_of`: a process whose user namespace owns it, or
    None when we are privileged.  Where the fork succeeds, the new process ends at once.

    In a dying namespace setns succeeds and fork fails with ENOMEM (`disable_pid_allocation()`, kernel/pid.c).
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        contain(lambda: os.write(writer, " ".join(map(str, _attempt(init, user_ns_of))).encode()))
    os.close(writer)
    with open(reader, encoding="ascii") as stream:
        answer = stream.read().split()
    os.waitpid(child, 0)
    if not answer:
        raise BugError("the process that tries to enter the namespace ended without an answer")
    return Entry(int(answer[0]), int(answer[1]) if len(answer) > 1 else None)


def _attempt(init: int, user_ns_of: int | None) -> tuple[int, ...]:
    try:
        target = os.open(f"/proc/{init}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        if user_ns_of is not None:
            setns(os.open(f"/proc/{user_ns_of}/ns/user", os.O_RDONLY | os.O_CLOEXEC), CLONE_NEWUSER)
        setns(target, CLONE_NEWPID)
    except OSError as error:
        return (error.errno or 255,)
    try:
        grandchild = os.fork()
    except OSError as error:
        return (0, error.errno or 255)
    if grandchild == 0:
        os._exit(0)
    os.waitpid(grandchild, 0)
    return (0, 0)
