"""Waits until what was started is armed, as the journal and /proc prove."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from fakefs import journal
from harness.errors import LaunchError
from harness.guard.client import HeldConnection
from harness.launch.notify import Ready
from harness.launch.start import Launch
from harness.launch.victim import Victim
from harness.linux import procfs
from harness.linux.procfs import GONE
from harness.model import Claim
from harness.rundir import MOUNT_POINT, Process
from harness.scenario import HELD_FILE, Holder
from harness.target import Target

READY_S = 20.0


def arm(launch: Launch) -> Victim:
    """Awaits the server, starts and awaits the rest, proves that the file is held; LaunchError says what is not so."""
    scenario = launch.scenario
    server = _ready(launch, "the server", lambda: _server_lives(launch))
    _, init = launch.start_container()
    holder = server
    if scenario.holder is Holder.PROCESS:
        holder = _ready(launch, "the holder", lambda: _has_live_child(init))
    connection = _connection(launch)
    _until("the holder has the file open and sleeps", lambda: _held_by(launch, holder.pid))
    if scenario.stop_server:
        os.kill(server.pid, signal.SIGSTOP)
        _until("the server is stopped", lambda: all(state == "T" for state in _states(server.pid)))
    return Victim(
        scenario=scenario,
        target=Target.of(init),
        server=Process.of(server.pid),
        connection=connection,
        control=launch.control,
        journal=launch.journal,
        claims=(Claim(server.pid, connection.number),),
    )


def _server_lives(launch: Launch) -> bool:
    if launch.outside is not None:
        return launch.outside.alive
    return launch.container is not None and _has_live_child(launch.container[1])


def _ready(launch: Launch, who: str, alive: Callable[[], bool]) -> Ready:
    return launch.notifications.ready(who, READY_S, launch.log, alive)


def _connection(launch: Launch) -> HeldConnection:
    """The run's own connection; no kill may follow unless the guard has the means to end it."""
    connections = launch.guard.hold()
    if len(connections) != 1:
        raise LaunchError(f"expected one FUSE mount named {launch.guard.name}, found {len(connections)}")
    if not (connections[0].abort or connections[0].unmount):
        raise LaunchError(
            "the guard cannot end this FUSE connection, so the namespace must not be killed",
            "mount the control filesystem: `sudo mount -t fusectl none /sys/fs/fuse/connections`",
        )
    return connections[0]


def _held_by(launch: Launch, pid: int) -> bool:
    """The journal has the OPEN and no FLUSH of it, and a sleeping thread shows the descriptor."""
    seen = [
        entry.operation
        for entry in journal.read(launch.journal)
        if entry.path == f"/{HELD_FILE}" and entry.event == "replied" and entry.result == 0
    ]
    if "open" not in seen or "flush" in seen:
        return False
    name = f"/{launch.guard.name}/{MOUNT_POINT}/{HELD_FILE}"
    return any(_holds(pid, tid, name) for tid in procfs.tids(pid))


def _holds(pid: int, tid: int, name: str) -> bool:
    """The thread sleeps and shows a descriptor whose path ends so.  What vanishes meanwhile was not it.

    Its beginning depends on the reader's root: seen from a chroot, a file of another mount namespace has the path that
    it has there (d_path() finds no common root).
    """
    folder = f"/proc/{pid}/task/{tid}"
    try:
        if procfs.read_stat(tid, pid).state != "S":
            return False
        numbers = os.listdir(f"{folder}/fd")
    except GONE:
        return False
    for number in numbers:
        with contextlib.suppress(*GONE):
            if os.readlink(f"{folder}/fd/{number}").endswith(name):
                return True
    return False


def _has_live_child(init: int) -> bool:
    """Asked only when a program is late: so psutil, which reads no more than stat for it, is imported only then."""
    import psutil

    try:
        return any(child.status() != psutil.STATUS_ZOMBIE for child in psutil.Process(init).children())
    except psutil.NoSuchProcess:
        return False


def _states(pid: int) -> list[str]:
    """Of the threads that are still there."""
    states = []
    for tid in procfs.tids(pid):
        with contextlib.suppress(*GONE):
            states.append(procfs.read_stat(tid, pid).state)
    return states


def _until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + READY_S
    while not holds():
        if time.monotonic() > end:
            raise LaunchError(f"not armed: it did not come about within {READY_S:g} s that {what}")
        time.sleep(0.0005)
