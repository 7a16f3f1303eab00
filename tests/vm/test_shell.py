"""A person looks at the hang under another kernel, on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.kernels import architectures
from tests.conftest import gone, require
from tests.vm.conftest import KERNEL, PATIENCE_S, emulator_below, fusezap

pytestmark = pytest.mark.slow


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.side, other = pty.openpty()
        argv = [sys.executable, "-P", "-m", "harness", *arguments]
        self.process = subprocess.Popen(argv, stdin=other, stdout=other, stderr=other, start_new_session=True)
        os.close(other)
        self.text = ""

    def type(self, line: str) -> None:
        os.write(self.side, f"{line}\n".encode())

    def read_until(self, pattern: str) -> re.Match[str]:
        """Text that was read before is not looked at again."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if match := re.search(pattern, self.text):
                self.text = self.text[match.end() :]
                return match
            if select.select([self.side], [], [], 1)[0]:
                self.text += os.read(self.side, 4096).decode(errors="replace")
        raise AssertionError(f"no {pattern!r} in {self.text!r}")


@contextmanager
def terminal(*arguments: str) -> Iterator[Terminal]:
    """A command on a terminal, which ends with the test, and its machine with it."""
    started = Terminal(*arguments)
    try:
        yield started
    finally:
        started.process.terminate()
        started.process.wait(timeout=PATIENCE_S)
        os.close(started.side)


@pytest.mark.parametrize("machine", architectures.known())
def test_the_hang_is_there_to_look_at_and_gone_with_the_shell(machine: str) -> None:
    architecture = architectures.of(machine)
    require(architecture.EMULATOR)
    kernel = f"{KERNEL}:{architecture.DEBIAN}"
    with terminal("run", "exit-flush-self", "--kernel", kernel, "--shell") as screen:
        emulator = emulator_below(screen.process.pid)
        screen.read_until("DEADLOCK")
        screen.read_until("Leave the shell")
        screen.read_until("# ")
        screen.type("grep -l zap_pid_ns_processes /proc/[0-9]*/stack; uname -rm; echo seen-$((1 + 1))")
        screen.read_until(r"/proc/\d+/stack")
        screen.read_until(rf"6\.1\.\S+ {machine}")
        screen.read_until("seen-2")
        screen.read_until("# ")
        # The signal comes when the command has the terminal.  While the shell hands it over, it would meet the shell.
        screen.type("sh -c 'echo sleeps-$((3 + 3)); exec sleep 1000'")
        screen.read_until("sleeps-6")
        os.write(screen.side, b"\x03")
        screen.read_until("# ")
        screen.type("echo back-$((2 + 2))")
        screen.read_until("back-4")
        screen.read_until("# ")
        screen.type("exit")
        assert screen.process.wait(timeout=PATIENCE_S) == 0
        assert gone(emulator)


def test_it_takes_a_person() -> None:
    ended = fusezap("run", "--kernel", KERNEL, "--shell")
    assert ended.returncode == 2
    assert "person at a terminal" in ended.stderr
