"""Hangs that fusezap did not make: the judge rests on what the kernel shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.linux import procfs
from harness.linux.fusectl import Fusectl, abort, fusectl_opened
from harness.linux.mountinfo import fuse_mounts
from tests.live.conftest import Fusezap

SOURCE = Path(__file__).with_name("stranger.c")


@dataclass(frozen=True)
class Container:
    init: int
    connection: int


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("stranger") / "stranger"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    subprocess.run([compiler, "-Wall", "-O1", "-pthread", "-o", str(program), str(SOURCE)], check=True)
    return program


@contextmanager
def contained(program: Path, mount_point: Path) -> Iterator[Container]:
    """The program below a shell as init, in new namespaces, its file held; aborted and killed at the end."""
    mount_point.mkdir()
    script = '"$1" "$2" & wait'
    argv = ["unshare", "--pid", "--fork", "--mount", "--propagation", "private", "--kill-child"]
    argv += ["sh", "-c", script, "sh", str(program), str(mount_point)]
    with fusectl_opened() as ctl:
        assert ctl is not None, "no hang without the means to end it"
        yield from _contained(argv, ctl)


def _contained(argv: list[str], ctl: Fusectl) -> Iterator[Container]:
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as outer:
        assert outer.stdout is not None
        try:
            assert outer.stdout.readline() == "held\n"
            (init,) = procfs.read_children(outer.pid, outer.pid)
            (mount,) = (each for each in fuse_mounts(init, init) if each.source == "stranger")
            with ctl.abort_opened(mount.minor) as fd:
                try:
                    yield Container(init, mount.minor)
                finally:
                    abort(fd)
        finally:
            outer.kill()


def judged(fusezap: Fusezap, init: int) -> dict[str, object]:
    """By the two commands, until what still exits has done so."""
    end = time.monotonic() + 10
    while True:
        snapshots = fusezap("observe", str(init))
        assert snapshots.returncode == 0, snapshots.stderr
        verdict: dict[str, object] = json.loads(
            fusezap("judge", "-", "--format", "json", input=snapshots.stdout).stdout
        )
        if verdict["outcome"] != "inconclusive" or time.monotonic() > end:
            return verdict


def test_a_strangers_deadlock_is_proven(fusezap: Fusezap, stranger: Path, tmp_path: Path) -> None:
    with contained(stranger, tmp_path / "mnt") as container:
        os.kill(container.init, signal.SIGKILL)
        verdict = judged(fusezap, container.init)
        assert verdict["outcome"] == "deadlock", verdict["reasons"]
        assert verdict["connection"] == container.connection


def test_an_inherited_device_keeps_it_from_being_one(fusezap: Fusezap, stranger: Path, tmp_path: Path) -> None:
    """A live process outside that has a copy of the device could answer, and must be named."""
    with contained(stranger, tmp_path / "mnt") as container:
        (server,) = procfs.read_children(container.init, container.init)
        pidfd = os.pidfd_open(server)
        (device,) = (fd for fd, name in procfs.read_descriptors(server, server) if procfs.is_fuse_device(name))
        copy = _getfd(pidfd, device)
        os.close(pidfd)
        try:
            os.kill(container.init, signal.SIGKILL)
            verdict = judged(fusezap, container.init)
            assert verdict["outcome"] == "starved", verdict["reasons"]
            assert any(str(os.getpid()) in reason for reason in verdict["reasons"])  # type: ignore[attr-defined]
        finally:
            os.close(copy)


def test_a_living_namespace_is_not_judged(fusezap: Fusezap, stranger: Path, tmp_path: Path) -> None:
    with contained(stranger, tmp_path / "mnt") as container:
        snapshots = fusezap("observe", str(container.init))
        verdict = json.loads(fusezap("judge", "-", "--format", "json", input=snapshots.stdout).stdout)
        assert verdict["outcome"] == "inconclusive"
        assert "not exiting" in verdict["reasons"][0]


def _getfd(pidfd: int, fd: int) -> int:
    """pidfd_getfd(2), number 438 on every architecture."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    copy: int = libc.syscall(438, pidfd, fd, 0)
    with suppress(OSError):
        os.set_inheritable(copy, False)
    assert copy >= 0, os.strerror(ctypes.get_errno())
    return copy
