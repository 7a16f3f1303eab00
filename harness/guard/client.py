"""The harness's side of the guard."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.errors import BugError, GuardError, MachineError
from harness.guard import process, rundir
from harness.guard.sweep import sweep_own
from harness.linux import features, procfs
from harness.linux.fusectl import Fusectl
from harness.linux.process import Process
from harness.linux.propagation import in_chroot
from harness.record import record

_ANSWER_S = 30.0


@record(frozen=True, slots=True)
class HeldConnection:
    """A connection that the guard can end, and by which means."""

    number: int
    fsname: str
    point: str
    tid: int
    abort: bool
    unmount: bool


class Guard:
    """`mode` is `root` or `user-namespace`; `ctl` is None where no fusectl filesystem can be had."""

    def __init__(self, channel: socket.socket, pid: int, name: str, mode: str, ctl: Fusectl | None) -> None:
        self._channel = channel
        self.pid = pid
        self.name = name
        self.mode = mode
        self.ctl = ctl
        self.kept = False
        self.folder = rundir.base() / name

    def program(self, argv: Sequence[str], env: Mapping[str, str], log: Path) -> int:
        """Starts a program beside the container; its PID."""
        pid: int = self._ask(do="program", argv=argv, env=env, log=str(log))["pid"]
        return pid

    def container(
        self, programs: Sequence[Sequence[str]], env: Mapping[str, str], log: Path, *, nested: bool = False
    ) -> tuple[int, int]:
        """Starts init in new PID and mount namespaces, with the programs below it; (shim, init) as seen from here.

        `nested`: the programs are below a second init, in a PID namespace inside of that one.
        """
        reply = self._ask(do="container", programs=programs, env=env, log=str(log), nested=nested)
        return reply["shim"], reply["init"]

    def hold(self) -> tuple[HeldConnection, ...]:
        """Makes the guard take hold of every connection of the run; all that it holds."""
        return tuple(HeldConnection(**entry) for entry in self._ask(do="hold")["connections"])

    def freeze(self, pids: Sequence[int], version: int) -> str:
        """Puts the processes into a frozen cgroup of the run's own; its folder.  Cleaning up thaws it."""
        folder: str = self._ask(do="freeze", pids=pids, version=version)["folder"]
        return folder

    def thaw(self) -> None:
        self._ask(do="thaw")

    def keep(self) -> None:
        """From now on the guard outlives us: it ends when its children have, or at SIGTERM."""
        self._ask(do="keep")
        self.kept = True

    def end(self) -> tuple[str, ...]:
        """Cleans up; what could not be removed, in words."""
        self._send({"do": "end"})
        return tuple(self._receive()["left"])

    def _ask(self, **request: Any) -> dict[str, Any]:
        self._send(request)
        reply = self._receive()
        if "error" in reply:
            raise _refusal(reply)
        return reply

    def _send(self, request: dict[str, Any]) -> None:
        try:
            self._channel.send(json.dumps(request).encode())
        except OSError as error:
            raise _gone() from error

    def _receive(self) -> dict[str, Any]:
        try:
            data = self._channel.recv(process.MESSAGE_MAX)
        except OSError as error:
            raise _gone() from error
        if not data:
            raise _gone()
        return _parsed(data)


def _parsed(data: bytes) -> dict[str, Any]:
    """BugError where the guard met a bug of its own."""
    reply: dict[str, Any] = json.loads(data)
    if "bug" in reply:
        raise BugError(f"the guard process failed:\n{reply['bug']}")
    return reply


def _gone() -> GuardError:
    return GuardError("the guard process is gone", "type `fusezap clean` to remove what the run may have left")


def _refusal(reply: dict[str, Any]) -> MachineError:
    what, message = reply["what"], reply["error"]
    if what in ("namespaces", "container"):
        # EPERM, EACCES and ENOSPC (a limit of 0) are what a kernel says that does not want user namespaces.
        refused = f"this machine refuses the namespaces that are needed: {message}"
        advice = "".join(f", or allow user namespaces: `{command}`" for command in features.user_namespace_advice())
        if os.geteuid() == 0:
            return MachineError(
                refused,
                "root lacks CAP_SYS_ADMIN here, as in a container: start that with --privileged, or with "
                f"--cap-add SYS_ADMIN --security-opt apparmor=unconfined --security-opt seccomp=unconfined{advice}",
            )
        if in_chroot():
            refused += "; in a chroot no user namespace can be made (create_user_ns(), kernel/user_namespace.c)"
        return MachineError(refused, f"run as root{advice}")
    if what == "folder":
        return MachineError(f"the folder of the run cannot be made: {message}", f"free or allow {rundir.base()}")
    return MachineError(f"the guard could not do its part ({what}): {message}")


@contextmanager
def guarded() -> Iterator[Guard]:
    """A running guard.  Leaving the block ends it and everything below it, unless it was told to keep."""
    missing = features.missing()
    if missing:
        raise MachineError("this machine cannot run it: " + "; ".join(missing))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    name, harness, boot = rundir.new_name(), Process.of(os.getpid()), procfs.boot_id()
    pid = os.fork()
    if pid == 0:
        ours.close()
        process.main(theirs, name, harness, boot)
    theirs.close()
    ours.settimeout(_ANSWER_S)
    guard = None
    try:
        guard = _started(ours, pid, name)
        yield guard
    finally:
        ours.close()
        if guard is not None and guard.ctl is not None:
            os.close(guard.ctl.folder)
        if guard is None or not guard.kept:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            if (rundir.base() / name).exists():
                sweep_own(name, rundir.base() / name)  # the guard was killed: its work is ours


def _started(channel: socket.socket, pid: int, name: str) -> Guard:
    data, fds, _, _ = socket.recv_fds(channel, process.MESSAGE_MAX, 1)
    if not data:
        raise _gone()
    reply = _parsed(data)
    if "error" in reply:
        raise _refusal(reply)
    return Guard(channel, pid, name, reply["mode"], Fusectl(fds[0]) if fds else None)
