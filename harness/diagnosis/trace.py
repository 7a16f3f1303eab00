"""Traces events during a look: signals, exits and FUSE requests, in a tracefs instance of our own.

The kernel has them as events (include/trace/events/signal.h, sched.h; fs/fuse/fuse_trace.h, of newer kernels).  An
instance has a buffer of its own, so that whoever traces besides is not disturbed.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.errors import MachineError
from harness.linux.propagation import make_mounts_private
from harness.linux.syscalls import CLONE_NEWNS, mount, unshare

FOLDERS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
EVENTS = (
    "signal/signal_generate",
    "sched/sched_process_exit",
    "fuse/fuse_request_send",
    "fuse/fuse_request_end",
)
_PREFIX = "fusezap-"
_LINE = re.compile(r"\s*(?P<comm>.+)-(?P<tid>\d+)\s+\[\d+\]\s+\S+\s+(?P<at>\d+\.\d+): (?P<event>\w+): (?P<told>.*)")


@dataclass(frozen=True, slots=True)
class Event:
    at_s: float
    """Seconds of the trace's clock: since the boot, without the machine's sleep."""
    tid: int
    """The acting task."""
    comm: str
    event: str
    told: str
    """The event's fields, as the kernel prints them."""


def parse_line(line: str) -> Event | None:
    """`sh-12 [000] d..1. 3.141592: signal_generate: sig=9 …`; None for what is no event (`CPU:0 [LOST 3 EVENTS]`)."""
    found = _LINE.match(line)
    if found is None:
        return None
    return Event(float(found["at"]), int(found["tid"]), found["comm"], found["event"], found["told"].strip())


@dataclass(frozen=True, slots=True)
class Trace:
    folder: str
    lacking: tuple[str, ...]
    """Events that this kernel does not have."""

    def follow(self, seconds: float, beat: Callable[[str], None]) -> Iterator[Event]:
        """As they come, for so long."""
        until = time.monotonic() + seconds
        pipe = os.open(f"{self.folder}/trace_pipe", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        rest = b""
        try:
            while (left := until - time.monotonic()) > 0:
                beat("follows the trace")
                if not select.select([pipe], [], [], min(left, 0.5))[0]:
                    continue
                with contextlib.suppress(BlockingIOError):
                    *lines, rest = (rest + os.read(pipe, 65536)).split(b"\n")
                    for line in lines:
                        event = parse_line(line.decode("utf-8", "surrogateescape"))
                        if event is not None:
                            yield event
        finally:
            os.close(pipe)


@contextmanager
def traced() -> Iterator[Trace]:
    """Switched on in the block; MachineError where the kernel has no tracefs, or does not let us."""
    root = _root()
    try:
        _remove_stale(root)
        folder = f"{root}/instances/{_PREFIX}{os.getpid()}"
        os.mkdir(folder)
        try:
            yield Trace(folder, tuple(event for event in EVENTS if not _enabled(folder, event)))
        finally:
            os.rmdir(folder)  # an instance is removed so, with all that is in it
    except OSError as error:
        raise MachineError(
            f"tracefs refuses: {error.strerror} ({error.filename})", "run as root, on the host"
        ) from error


def _root() -> str:
    found = next((folder for folder in FOLDERS if os.path.isdir(f"{folder}/instances")), None)
    if found is not None:
        return found
    try:
        unshare(CLONE_NEWNS)
        make_mounts_private()
        mount("none", FOLDERS[0], "tracefs")
    except OSError as error:
        raise MachineError(
            f"there is no tracefs here, and it cannot be mounted: {error.strerror}",
            "it takes root and a kernel with CONFIG_FTRACE; leave --trace out",
        ) from error
    return FOLDERS[0]


def _remove_stale(root: str) -> None:
    """The victims of a kill."""
    for name in os.listdir(f"{root}/instances"):
        pid = name[len(_PREFIX) :]
        if name.startswith(_PREFIX) and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            with contextlib.suppress(OSError):
                os.rmdir(f"{root}/instances/{name}")


def _enabled(folder: str, event: str) -> bool:
    try:
        with open(f"{folder}/events/{event}/enable", "w") as file:
            file.write("1")
    except FileNotFoundError:
        return False
    return True
