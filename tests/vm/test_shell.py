"""A person looks at the hang under another kernel, on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

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
        """What was read before is not looked at again."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if match := re.search(pattern, self.text):
                self.text = self.text[match.end() :]
                return match
            if select.select([self.side], [], [], 1)[0]:
                self.text += os.read(self.side, 4096).decode(errors="replace")
        raise AssertionError(f"no {pattern!r} in {self.text!r}")


@pytest.mark.parametrize("machine", architectures.known())
def test_the_hang_is_there_to_look_at_and_gone_with_the_shell(machine: str) -> None:
    architecture = architectures.of(machine)
    require(architecture.EMULATOR)
    terminal = Terminal("run", "exit-flush-self", "--kernel", f"{KERNEL}:{architecture.DEBIAN}", "--shell")
    emulator = emulator_below(terminal.process.pid)
    terminal.read_until("DEADLOCK")
    terminal.read_until("Leave the shell")
    terminal.type("grep -l zap_pid_ns_processes /proc/[0-9]*/stack; uname -rm; echo seen-$((1 + 1))")
    terminal.read_until(r"/proc/\d+/stack")
    terminal.read_until(rf"6\.1\.\S+ {machine}")
    terminal.read_until("seen-2")
    terminal.type("echo sleeps-$((3 + 3)); sleep 1000")
    terminal.read_until("sleeps-6")
    os.write(terminal.side, b"\x03")
    terminal.read_until("# ")  # the signal drops what was typed and not read yet (isig(), drivers/tty/n_tty.c)
    terminal.type("echo back-$((2 + 2))")
    terminal.read_until("back-4")
    terminal.type("exit")
    assert terminal.process.wait(timeout=30) == 0
    assert gone(emulator)


def test_it_takes_a_person() -> None:
    ended = fusezap("run", "--kernel", KERNEL, "--shell")
    assert ended.returncode == 2
    assert "person at a terminal" in ended.stderr
