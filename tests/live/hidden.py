"""Namespaces that wait for a server that hides (`hidden.c`), or for one that is dead (`dead.c`), any number at once."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.linux import procfs
from harness.linux.fusectl import Fusectl, abort
from harness.linux.mountinfo import fuse_mounts
from tests.live.situations import below, until

FOLDER = Path(__file__).parent


def built(folder: Path, name: str = "hidden") -> Path:
    """The program, of the source of this name; `cc` is needed."""
    program = folder / name
    compiler = sysconfig.get_config_var("CC").split()[0]
    try:
        subprocess.run(
            [compiler, "-Wall", "-Wno-unused-result", "-O1", "-o", program, FOLDER / f"{name}.c", "-lpthread"],
            check=True,
        )
    except FileNotFoundError:
        pytest.skip(f"missing: {compiler}")
    return program


@dataclass(frozen=True)
class Hidden:
    """A namespace whose client waits for the server."""

    init: int
    server: int
    aborts: tuple[int, ...]
    """Open abort files: they end the hang, whatever becomes of the connections' numbers."""

    def answer(self) -> None:
        """The server answers, or lets the device go."""
        os.kill(self.server, signal.SIGUSR1)
        os.kill(self.server, signal.SIGCONT)

    def abort(self) -> None:
        """End the requests of all its connections."""
        for fd in self.aborts:
            with suppress(OSError):
                abort(fd)

    @property
    def gone(self) -> bool:
        """Return True where init has ended; its parent may not have reaped it."""
        try:
            return procfs.parse_stat_of_status(procfs.read(f"/proc/{self.init}/status")).state in "ZX"
        except OSError:
            return True


@contextmanager
def several(program: Path, modes: tuple[str, ...], folder: Path, ctl: Fusectl) -> Iterator[dict[str, Hidden]]:
    """One of each mode, all at once."""
    with ExitStack() as stack:
        made = {}
        for mode in modes:
            (folder / mode).mkdir()
            made[mode] = stack.enter_context(hidden(program, mode, folder / mode, ctl))
        yield made


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
        ready = select.select([server.stdout], [], [], 10)[0]
        aborts = list(_aborts([server.pid, *below(server.pid)], ctl))
        assert ready, f"not ready within 10 s: {mode}"
        word, number = server.stdout.readline().split()
        assert word == "ready"
        init = int(number)
        os.kill(init, signal.SIGKILL)
        made = Hidden(init, server.pid, tuple(aborts))
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


def _aborts(pids: list[int], ctl: Fusectl) -> Iterator[int]:
    """The abort files of all connections of ours whose mounts these processes see."""
    found: set[int] = set()
    for pid in pids:
        with suppress(OSError):
            tid = max(procfs.tids(pid))  # a leader that has exited has no mounts
            found.update(each.device for each in fuse_mounts(tid, pid) if each.source == "situation")
    yield from map(ctl.open_abort, sorted(found))


def _waits(init: int) -> bool:
    """Some process below init is left, and init itself sleeps in its exit."""
    return bool(procfs.read_children(init, init)) and procfs.read_wchan(init, init) in ("do_wait", "kernel_wait4")
