"""Foreign programs that are stuck, each in its own way, and their end: `situations.c` tells what each does."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import prctl
import pytest

from harness.linux import procfs
from harness.linux.cgroup import Freezer
from harness.linux.fusectl import Fusectl, abort
from harness.linux.mountinfo import fuse_mounts
from harness.linux.polling import wait_until
from harness.linux.timed_reader import read_each

SOURCE = Path(__file__).with_name("situations.c")


def built(folder: Path) -> Path:
    compiler = sysconfig.get_config_var("CC").split()[0]
    if shutil.which(compiler) is None:
        pytest.skip(f"missing: {compiler}")
    program = folder / "situations"
    subprocess.run([compiler, "-Wall", "-O1", "-o", program, SOURCE, "-lpthread"], check=True)
    return program


def until(what: str, holds: Callable[[], bool]) -> None:
    wait_until(what, 10, holds)


def wchans(pid: int) -> set[str | None]:
    with suppress(OSError):
        return {procfs.read_wchan(tid, pid) for tid in procfs.tids(pid)}
    return set()


def _watch(channel: socket.socket) -> None:
    """In a child: aborts all that it was handed once the other end is closed, by whatever end of the test."""
    os.setsid()
    held: list[int] = []
    while True:
        data, fds, _, _ = socket.recv_fds(channel, 1, 1)
        if not data:
            break
        held += fds
    for fd in held:
        _aborted(fd)


@contextmanager
def watched() -> Iterator[socket.socket]:
    """A channel for the abort files of all connections: a test that is killed leaves no hang."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            _watch(theirs)
        finally:
            os._exit(0)
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        os.waitpid(pid, 0)


class Situations:
    """Makes them; at the end every connection is aborted, everything started is killed and reaped."""

    def __init__(self, program: Path, folder: Path, ctl: Fusectl) -> None:
        self.program = str(program)
        self.folder = folder
        self.ctl = ctl
        self._stack = ExitStack()
        self.number = 0
        """The number of the connection that was made last."""
        self._own: set[int] = set()
        self._mounts = 0
        self._groups = 0
        self._aborts: list[int] = []
        self._askers: list[subprocess.Popen[bytes]] = []
        self._stack.callback(prctl.set_child_subreaper, prctl.get_child_subreaper())
        prctl.set_child_subreaper(True)
        self._stack.callback(self._reap_orphans)
        self._stack.callback(self._reap)
        self._watcher = self._stack.enter_context(watched())

    def __enter__(self) -> Situations:
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._aborts:
            _aborted(fd)
        self._stack.close()

    def _reap_orphans(self) -> None:
        """Reaps those that were killed half way: we are their subreaper."""
        for pid in procfs.read_children(os.getpid(), os.getpid()):
            _reaped(pid)

    def reap_adopted(self) -> None:
        """Reap as init does: who became ours when its parent died."""
        for pid in procfs.read_children(os.getpid(), os.getpid()):
            if pid not in self._own:
                _reaped(pid)

    def _reap(self) -> None:
        for process in self._askers:
            process.kill()
            process.wait(10)

    def point(self) -> str:
        self._mounts += 1
        folder = self.folder / f"mnt{self._mounts}"
        folder.mkdir()
        return str(folder)

    def started(self, *argv: str, ready_s: float = 10) -> subprocess.Popen[str]:
        """Returns once it says that it is ready."""
        argv = ("setpriv", "--pdeathsig", "KILL", *argv)
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self._stack.callback(self._ended, process)
        self._own.add(process.pid)
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], ready_s)[0], f"not ready within {ready_s:g} s: {argv}"
        assert process.stdout.readline() == "ready\n", argv
        return process

    def executes(self, pid: int) -> None:
        """It is in execve(): whoever reads its stat from now on waits."""
        until(f"{pid} holds its lock", lambda: bool(read_each([pid], procfs.read_process_stat, 0.1)[1]))

    def reaped(self, process: subprocess.Popen[bytes]) -> None:
        """Killed at the end, and waited for when all connections have been aborted."""
        self._askers.append(process)
        self._own.add(process.pid)

    def _ended(self, process: subprocess.Popen[str]) -> None:
        """And all below it, of which we become the parent."""
        orphans = below(process.pid)
        process.kill()
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
        for pid in orphans:
            until(f"{pid} has gone", lambda pid=pid: _reaped(pid))  # type: ignore[misc]

    def alone(self, *arguments: str) -> int:
        """The program, in a mount namespace of its own; its PID."""
        argv = ["unshare", "--mount", "--propagation", "private", self.program, *arguments]
        return self.hold(self.started(*argv).pid)

    def container(self, *arguments: str, nested: bool = False) -> int:
        """The program below a shell as init, in new namespaces; init's PID."""
        inner = ["unshare", "--pid", "--fork", "--kill-child"] if nested else []
        argv = ["unshare", "--pid", "--fork", "--mount", "--propagation", "private", "--kill-child", "sh", "-c"]
        argv += ['"$@" & wait', "sh", *inner, *(["sh", "-c", '"$@" & wait', "sh"] if nested else [])]
        outer = self.started(*argv, self.program, *arguments)
        (init,) = procfs.read_children(outer.pid, outer.pid)
        return self.hold(init)

    def hold(self, pid: int) -> int:
        """Its connection's abort file, opened while it lives: that ends the hang, whatever becomes of the number."""
        for mount in fuse_mounts(pid, pid):
            if mount.source == "situation":
                self.number = mount.minor
                fd = self.ctl.open_abort(mount.minor)
                socket.send_fds(self._watcher, [b"1"], [fd])
                self._stack.callback(os.close, fd)
                self._aborts.append(fd)
        return pid

    def frozen(self, pids: list[int], version: int = 1) -> None:
        """In a control group of their own, of either version."""
        freezer = Freezer.make(f"situation-{os.getpid()}-{self._groups}", version)
        self._groups += 1
        self._stack.callback(_thawed, freezer)
        freezer.freeze(pids)
        until("the group is frozen", lambda: freezer.frozen)

    def waits(self, pid: int) -> None:
        until(f"a task of {pid} waits for FUSE", lambda: "request_wait_answer" in wchans(pid))


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _aborted(fd: int) -> None:
    with suppress(OSError):
        abort(fd)


def _thawed(freezer: Freezer) -> None:
    freezer.thaw()
    until("the frozen tasks have gone", lambda: not (freezer.folder / "cgroup.procs").read_text())
    freezer.remove()


def below(pid: int) -> list[int]:
    """Its children, and theirs."""
    found = []
    with suppress(OSError):
        for child in procfs.read_children(pid, pid):
            found += [child, *below(child)]
    return found


def killed(init: int) -> int:
    os.kill(init, signal.SIGKILL)
    return init
