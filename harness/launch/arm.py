"""Starts what a scenario declares and returns when it is armed, as the journal and /proc prove."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

from fakefs import journal
from harness.errors import LaunchError
from harness.guard.client import Guard, HeldConnection
from harness.launch.notify import Notifications, Ready
from harness.launch.victim import Victim
from harness.linux import procfs
from harness.model import Claim
from harness.observe.snapshot import Target, observe
from harness.rundir import MOUNT_POINT, Process
from harness.scenario import Holder, Place, Scenario

READY_S = 20.0
FILE = "held"
"""The file on the mount that the holder keeps open."""


def arm(scenario: Scenario, guard: Guard) -> Victim:
    """LaunchError says what did not come about.  Whatever was started stays the guard's to clean up."""
    notifications = Notifications(guard.folder / "notify")
    try:
        return _Launch(scenario, guard, notifications).armed()
    finally:
        notifications.close()


class _Launch:
    def __init__(self, scenario: Scenario, guard: Guard, notifications: Notifications) -> None:
        self.scenario = scenario
        self.guard = guard
        self.notifications = notifications
        self.mount_point = guard.folder / MOUNT_POINT
        self.log = guard.folder / "programs.log"
        self.journal = guard.folder / "journal.jsonl"
        self.control = guard.folder / "control"
        self.env = {**os.environ, "NOTIFY_SOCKET": str(notifications.path)}

    def armed(self) -> Victim:
        self.mount_point.mkdir()
        if self.scenario.server is Place.INSIDE:
            shim, init = self.guard.container(self._inside(), self.env, self.log)
            server = self._ready("the server", lambda: _has_live_child(init))
        else:
            outside = Process.of(self.guard.program(self._server(), self.env, self.log))
            server = self._ready("the server", lambda: outside.alive)
            shim, init = self.guard.container(self._inside(), self.env, self.log)
        holder = server
        if self.scenario.holder is Holder.PROCESS:
            holder = self._ready("the holder", lambda: _has_live_child(init))
        connection = self._connection()
        _until("the holder has the file open and sleeps", lambda: self._held_by(holder.pid))
        if self.scenario.stop_server:
            os.kill(server.pid, signal.SIGSTOP)
            _until("the server is stopped", lambda: all(state == "T" for state in _states(server.pid)))
        target = Target.of(init)
        claims = (Claim(server.pid, connection.number),)
        return Victim(
            scenario=self.scenario,
            target=target,
            shim=shim,
            server=Process.of(server.pid),
            holder=Process.of(holder.pid),
            connection=connection,
            mount_point=self.mount_point,
            control=self.control,
            journal=self.journal,
            claims=claims,
            armed=observe(target, self.guard.ctl, claims),
            armed_ns=time.monotonic_ns(),
        )

    def _server(self) -> list[str]:
        """-P: a file of the user's folder must not take a module's place."""
        argv = [sys.executable, "-P", "-m", "fakefs", str(self.mount_point)]
        argv += ["--fsname", self.guard.name]
        argv += ["--journal", str(self.journal)]
        argv += ["--control", str(self.control)]
        argv += ["--file", f"/{FILE}"]
        for rule in self.scenario.rules:
            argv += ["--rule", rule]
        if self.scenario.holder is Holder.SERVER:
            argv += ["--hold", f"/{FILE}"]
        return argv

    def _inside(self) -> list[list[str]]:
        programs = []
        if self.scenario.server is Place.INSIDE:
            programs.append(self._server())
        if self.scenario.holder is Holder.PROCESS:
            programs.append([sys.executable, "-P", "-m", "fakefs.hold", str(self.mount_point / FILE)])
        return programs

    def _ready(self, who: str, alive: Callable[[], bool]) -> Ready:
        return self.notifications.ready(who, READY_S, self.log, alive)

    def _connection(self) -> HeldConnection:
        """The run's own connection; no kill may follow unless the guard has the means to end it."""
        connections = self.guard.hold()
        if len(connections) != 1:
            raise LaunchError(f"expected one FUSE mount named {self.guard.name}, found {len(connections)}")
        if not (connections[0].abort or connections[0].unmount):
            raise LaunchError(
                "the guard cannot end this FUSE connection, so the namespace must not be killed",
                "mount the control filesystem: `sudo mount -t fusectl none /sys/fs/fuse/connections`",
            )
        return connections[0]

    def _held_by(self, pid: int) -> bool:
        """The journal has the OPEN and no FLUSH of it, and a sleeping thread shows the descriptor."""
        seen = [
            entry.operation
            for entry in journal.read(self.journal)
            if entry.path == f"/{FILE}" and entry.event == "replied" and entry.result == 0
        ]
        if "open" not in seen or "flush" in seen:
            return False
        return any(_holds(pid, tid, str(self.mount_point / FILE)) for tid in procfs.tids(pid))


def _holds(pid: int, tid: int, path: str) -> bool:
    folder = f"/proc/{pid}/task/{tid}"
    names = [os.readlink(f"{folder}/fd/{name}") for name in os.listdir(f"{folder}/fd")]
    return path in names and procfs.read_stat(tid, pid).state == "S"


def _has_live_child(init: int) -> bool:
    for pid in procfs.pids():
        try:
            stat = procfs.read_process_stat(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat.ppid == init and stat.state not in "ZX":
            return True
    return False


def _states(pid: int) -> list[str]:
    return [procfs.read_stat(tid, pid).state for tid in procfs.tids(pid)]


def _until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + READY_S
    while not holds():
        if time.monotonic() > end:
            raise LaunchError(f"not armed: it did not come about within {READY_S:g} s that {what}")
        time.sleep(0.0005)
