"""A server outside of a PID namespace that hides its device, by `hidden.c`: started, and made to answer in the end."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.linux import procfs
from harness.linux.fusectl import Fusectl, abort
from harness.linux.mountinfo import fuse_mounts
from tests.live.situations import until

SOURCE = Path(__file__).with_name("hidden.c")


def built(folder: Path) -> Path:
    """The program; `cc` is needed."""
    program = folder / "hidden"
    compiler = sysconfig.get_config_var("CC").split()[0]
    try:
        subprocess.run([compiler, "-Wall", "-O1", "-o", program, SOURCE, "-lpthread"], check=True)
    except FileNotFoundError:
        pytest.skip(f"missing: {compiler}")
    return program


@dataclass(frozen=True)
class Hidden:
    """A namespace whose client waits for the hidden server."""

    init: int
    server: int

    def answer(self) -> None:
        """The server answers, or lets the device go."""
        os.kill(self.server, signal.SIGUSR1)
        os.kill(self.server, signal.SIGCONT)

    @property
    def gone(self) -> bool:
        """Whether init has ended; its parent may not have reaped it."""
        try:
            return procfs.parse_stat_of_status(procfs.read(f"/proc/{self.init}/status")).state in "ZX"
        except OSError:
            return True


@contextmanager
def hidden(program: Path, mode: str, folder: Path, ctl: Fusectl) -> Iterator[Hidden]:
    """Started and killed; at the end its connections are aborted, and all of it is killed."""
    mount, slow = folder / "mnt", folder / "slow"
    mount.mkdir()
    slow.mkdir()
    argv = ["unshare", "--mount", "--propagation", "private", str(program), mode, str(mount), str(slow)]
    server = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    aborts: list[int] = []
    try:
        assert server.stdout is not None
        assert select.select([server.stdout], [], [], 10)[0], f"not ready within 10 s: {mode}"
        word, number = server.stdout.readline().split()
        assert word == "ready"
        init = int(number)
        for pid in (server.pid, init):
            tid = max(procfs.tids(pid))  # a leader that has exited has no mounts
            aborts += [ctl.open_abort(each.device) for each in fuse_mounts(tid, pid) if each.source == "situation"]
        os.kill(init, signal.SIGKILL)
        made = Hidden(init, server.pid)
        until("init is on its way out", lambda: made.gone or _waits(init))
        yield made
    finally:
        for fd in aborts:
            with suppress(OSError):
                abort(fd)
            os.close(fd)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)
        assert server.stdout is not None
        server.stdout.close()


def _waits(init: int) -> bool:
    """Some process below init is left, and init itself sleeps in its exit."""
    return bool(procfs.read_children(init, init)) and procfs.read_wchan(init, init) in ("do_wait", "kernel_wait4")
