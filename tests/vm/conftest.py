"""Kernels that are not this machine's, really booted: fetched once by the machine's apt into the user's cache."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.kernels import spec as kernel_spec
from harness.linux.polling import wait_until
from tests.conftest import require
from tests.vm import debug_info

KERNEL = "debian:bookworm"
WITH_SYMBOLS = "debian:bookworm:cloud-amd64"
"""A kernel whose debug information is a third of the others'; its fdinfo names no connection."""
PATIENCE_S = 300


@pytest.fixture(autouse=True)
def machine() -> None:
    require("qemu-system-x86_64", "busybox", "modprobe", "depmod", "setpriv", "apt-get", "dpkg-deb", root=True)


@pytest.fixture(scope="session")
def symbols() -> Iterator[Path]:
    """The folder of the debug information of `WITH_SYMBOLS`, unpacked once for all tests."""
    require("apt-get", "dpkg-deb", "tar", root=True)
    with debug_info.unpacked("bookworm", kernel_spec.find(WITH_SYMBOLS, print).release) as folder:
        yield folder


def fusezap(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", "harness", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def emulator_below(pid: int) -> int:
    """Waits until it has been started, with a kernel: the one before it only tries whether KVM works."""

    def emulator() -> int | None:
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if child.name().startswith("qemu-system") and "-kernel" in child.cmdline():
                    return child.pid
        return None

    found = wait_until("an emulator runs", PATIENCE_S, emulator, pause_s=0.02)
    assert found is not None
    return found


Started = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def started() -> Iterator[Started]:
    """Starts a command and waits for its emulator; whatever a test leaves is killed."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], int]:
        argv = [sys.executable, "-P", "-m", "harness", *arguments]
        running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1], emulator_below(running[-1].pid)

    yield start
    for each in running:
        if each.poll() is None:
            os.kill(each.pid, signal.SIGKILL)
        each.communicate()
