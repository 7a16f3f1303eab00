"""A virtual machine while it runs: its console, its events, its deadline, its end."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import IO

from harness.errors import MachineError
from harness.linux.polling import poll
from harness.model.printable import visible
from harness.vm import wire
from harness.vm.command import Command, Daemon
from harness.vm.initramfs import FAULT

LOOK_EVERY_S = 0.01
DAEMON_S = 10.0
"""Deadline for the daemons of a machine to come up."""
READ_BYTES = 1 << 20
"""Bytes of the guest's events that are read at a time."""
CONSOLE_BYTES = 1 << 12
"""Bytes of a console line; a longer one is split."""
KEPT_LINES = 200
SHARE_BYTES = 4 << 30
"""Bytes of the disk for all that a guest has written in the folder that it shares."""
SHARE_FILES = 200_000
TOLD_LINES = 15
TOLD_OF_A_CRASH = 40
_KVM_FAILURE = re.compile(r"KVM internal error|^KVM: |kvm run failed|failed to initialize kvm|KVM_RUN failed", re.I)
"""As QEMU says it (kvm_cpu_exec(), accel/kvm/kvm-all.c); the machine stops then, and QEMU stays."""
PANIC_S = 2.0
"""A kernel that has panicked ends the emulator at once (panic=-1, -no-reboot), unless it has not read that yet."""
_PANIC = re.compile(r"Kernel panic - not syncing: .*")
_CRASH = re.compile(r"Kernel panic|BUG: |Oops: |Out of memory: ")
_NO_TEXT = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc|[^\x20-\x7e\t]")


def last_words(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The console from the first line of a crash on; without a crash, the last few lines."""
    crash = next((number for number, line in enumerate(lines) if _CRASH.search(line)), None)
    return lines[-TOLD_LINES:] if crash is None else lines[crash : crash + TOLD_OF_A_CRASH]


def excess(share: Path) -> str:
    """Look whether a guest has filled the folder that it shares, by what it takes of the disk: holes are free.

    Returns:
        What is too much, in words; empty where it is not.
    """
    total = number = 0
    for above, folders, files in os.walk(share):  # follows no links
        for name in (*folders, *files):
            number += 1
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(above, name)).st_blocks * 512
            if total > SHARE_BYTES:
                return f"the guest has written more than {SHARE_BYTES >> 30} GiB"
            if number > SHARE_FILES:
                return f"the guest has made more than {SHARE_FILES} files"
    return ""


def _short(error: Exception) -> str:
    return visible(str(error))[:300]


class LostError(Exception):
    """The machine is gone, or says nothing any more."""

    def __init__(self, why: str, console: tuple[str, ...], reached_init: bool, kvm_failed: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.console = console
        self.reached_init = reached_init
        self.kvm_failed = kvm_failed
        """It says nothing about the kernel: KVM is at fault."""


class Machine:
    def __init__(
        self, process: subprocess.Popen[bytes], share: Path, deadline_s: float, shown: bool, boot_s: float | None
    ) -> None:
        self._process = process
        self._share = share
        self._deadline_s = deadline_s
        self._shown = shown
        self._boot_until = None if boot_s is None else time.monotonic() + boot_s
        self._kvm_failure: str | None = None
        self._fault: str | None = None
        """Why the first program of the guest gave up."""
        self._panic: tuple[float, str] | None = None
        """When the kernel panicked, and its words."""
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._alive = time.monotonic()
        self._looked = self._alive
        assert process.stdout is not None
        self._reader = Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def events(self, follow: Callable[[wire.Line], bool]) -> Generator[wire.Line]:
        """Read what the guest reports.

        Args:
            follow: takes each event, and returns whether it is progress; ValueError means that the machine is lost.

        Yields:
            Its events, up to its Bye.

        Raises:
            LostError: the machine ended, reports what no guest of ours does, or makes no progress.
        """
        parser = wire.EventParser()
        # The guest has the folder too, and may have put a link or a FIFO there.
        fd = os.open(self._share / wire.EVENTS, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb") as stream:
            while True:
                ended = self._process.poll() is not None
                data = stream.read(READ_BYTES)
                for event in self._parsed(parser, data):
                    if self._followed(follow, event):
                        self._alive = time.monotonic()
                    yield event
                    if isinstance(event, wire.Bye):
                        return
                if self._boot_until is not None and self._kvm_failure is not None:
                    raise self._lost(f"KVM failed: {self._kvm_failure}", kvm_failed=True)
                if ended and len(data) < READ_BYTES:
                    status = self._process.returncode
                    # A kernel that panics ends QEMU with 0 (panic=-1, -no-reboot).
                    died = self._boot_until is not None and status != 0 and not self._reached_init()
                    raise self._lost(f"the machine ended by itself, its emulator with status {status}", died)
                if self._panic is not None and time.monotonic() - self._panic[0] > PANIC_S:
                    raise self._lost("")
                if self._boot_until is not None and time.monotonic() > self._boot_until and not self._reached_init():
                    raise self._lost("under KVM the kernel did not come to its init", kvm_failed=True)
                if time.monotonic() - self._alive > self._deadline_s:
                    raise self._lost(f"no sign of life for {self._deadline_s:g} s")
                if (why := self._filled()) != "":
                    raise self._lost(why)
                if len(data) < READ_BYTES:
                    time.sleep(LOOK_EVERY_S)

    def _parsed(self, parser: wire.EventParser, data: bytes | None) -> list[wire.Line]:
        try:
            return parser.feed(data or b"")
        except ValueError as error:
            raise self._lost(f"what the guest reports does not parse: {_short(error)}") from error

    def _followed(self, follow: Callable[[wire.Line], bool], event: wire.Line) -> bool:
        try:
            return follow(event)
        except ValueError as error:
            raise self._lost(f"what the guest reports was not ordered: {_short(error)}") from error

    def _filled(self) -> str:
        """Once a second, and never for more than a twentieth of the time."""
        began = time.monotonic()
        if began < self._looked:
            return ""
        why = excess(self._share)
        self._looked = time.monotonic() + max(1.0, 20 * (time.monotonic() - began))
        return why

    def _reached_init(self) -> bool:
        return os.path.lexists(self._share / wire.REACHED_INIT)

    def _lost(self, why: str, kvm_failed: bool = False) -> LostError:
        if self._process.poll() is not None:
            self._reader.join(1)
        if self._panic is not None:
            why = f"the kernel panicked: {self._panic[1]}"
        why = self._fault or why
        return LostError(why, last_words(tuple(self._lines)), self._reached_init(), kvm_failed)

    def _read(self, console: IO[bytes]) -> None:
        while raw := console.readline(CONSOLE_BYTES):
            text = _NO_TEXT.sub("", raw.decode(errors="replace")).rstrip()
            if text:
                self._lines.append(text)
                if text.startswith(FAULT):
                    self._fault = text.removeprefix(FAULT)[:300]
                if self._panic is None and (panic := _PANIC.search(text)):
                    self._panic = time.monotonic(), panic[0][:300]
                if _KVM_FAILURE.search(text):
                    self._kvm_failure = text[:200]
                if self._shown:
                    print(text, file=sys.stderr, flush=True)


@contextmanager
def started(
    command: Command, share: Path, deadline_s: float, shown: bool, boot_s: float | None = None
) -> Iterator[Machine]:
    """Start a machine; whatever happens in the block, the machine is gone after it.

    Args:
        command: what starts it.
        share: the folder that it shares with the host.
        deadline_s: without progress for so long, it is lost.
        shown: what it prints goes to stderr.
        boot_s: under KVM, how long the kernel may take to come to its init; None: it is emulated.
    """
    with daemons(command), _process(command.argv, subprocess.PIPE) as process:
        yield Machine(process, share, deadline_s, shown, boot_s)


@contextmanager
def daemons(command: Command) -> Iterator[None]:
    """The daemons of a machine, ready for use; they are killed when the block is left."""
    with ExitStack() as stack:
        for daemon in command.daemons:
            _await(daemon, stack.enter_context(_process(daemon.argv, subprocess.DEVNULL)))
        yield


@contextmanager
def _process(argv: tuple[str, ...], stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    """Killed when the block is left."""
    try:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT)
    except OSError as error:
        raise MachineError(f"{argv[0]} cannot be started: {error}") from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await(daemon: Daemon, process: subprocess.Popen[bytes]) -> None:
    poll(DAEMON_S, lambda: daemon.socket.exists() or process.poll() is not None, LOOK_EVERY_S)
    if not daemon.socket.exists():
        raise MachineError(f"{' '.join(daemon.argv)} does not come up", "try it by hand")
