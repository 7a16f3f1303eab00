"""Waits until a scenario that was started is armed, as the journal and /proc prove."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable

from fakefs import journal
from harness.errors import LaunchError
from harness.guard.client import HeldConnection
from harness.guard.rundir import MOUNT_POINT
from harness.launch import argv
from harness.launch.notify import Ready
from harness.launch.start import Launch
from harness.launch.victim import Victim
from harness.linux import procfs
from harness.linux.cgroup import Freezer
from harness.linux.fuse_device import is_fuse_device
from harness.linux.polling import DeadlineError, wait_until
from harness.linux.process import Process, Target
from harness.linux.procfs import GONE
from harness.model import kernel_names
from harness.model.records import PF_EXITING, Claim, function_of
from harness.scenario import Before, Caller, Exercise, Frame, Holder, Place, Requirement

READY_S = 60.0
"""Longer than an emulated guest on a busy host takes to start a Python of its own."""
_PAUSE_S = 0.0005


def arm(launch: Launch) -> Victim:
    """Awaits the server, starts and awaits the rest, proves each to be as declared; LaunchError says what is not."""
    return _Arming(launch).victim()


class _Arming:
    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.scenario = launch.scenario
        self.server: Process | None = None
        self.init = 0
        self.programs: list[Ready] = []
        self.connection: HeldConnection | None = None
        self.claims: tuple[Claim, ...] = ()
        self.remedy: tuple[str, int | str] | None = None

    def victim(self) -> Victim:
        launch, scenario = self.launch, self.scenario
        if launch.has_fakefs:
            self._await_server()
        if scenario.frame is not Frame.PROCESS:
            _, self.init = launch.start_container()
        while len(self.programs) < len(self._announced):
            ready = self._ready("a program inside", self._programs_live)
            if not ready.values("X_FAKEFS_MOUNTPOINT"):  # a fakefs that the user named says that it is ready, too
                self.programs.append(ready)
        if scenario.server is not Place.NOWHERE:
            self._take_connection()
        self._prove()
        if scenario.before is not None:
            _BEFORE[scenario.before](self)
        return Victim(
            scenario=scenario,
            target=Target.of_process(self._server().pid) if scenario.frame is Frame.PROCESS else Target.of(self.init),
            server=self.server,
            connection=self.connection,
            control=launch.control,
            journal=launch.journal,
            claims=self.claims,
            about=self._about(),
            failures=tuple(
                f"execve(2) right after the exit of the program's writer: {failed}"
                for program in self.programs
                for failed in program.values("X_FAKEFS_FAILED")
            ),
            remedy=self.remedy,
        )

    @property
    def _announced(self) -> list[list[str]]:
        """The programs in the namespace that report READY=1, besides the server."""
        return argv.beside(self.scenario, self.launch.places)

    def _await_server(self) -> None:
        """A program beside it may be ready first: only the server names its mount point."""
        while self.server is None:
            ready = self._ready("the server", self._server_lives)
            if ready.values("X_FAKEFS_MOUNTPOINT"):
                self.server = Process.of(ready.pid)
            else:
                self.programs.append(ready)

    def _ready(self, who: str, alive: Callable[[], bool]) -> Ready:
        return self.launch.notifications.ready(who, READY_S, self.launch.log, alive)

    def _server_lives(self) -> bool:
        if self.launch.outside is not None:
            return self.launch.outside.alive
        return self.launch.container is not None and bool(_live_below(self.launch.container[1]))

    def _programs_live(self) -> bool:
        """A server of the user's may fork and leave its first process; another is there then."""
        return len(_live_below(self.init)) >= len(self._announced) + bool(self.scenario.command)

    def _server(self) -> Process:
        assert self.server is not None
        return self.server

    def _take_connection(self) -> None:
        """The run's own connection; no kill may follow unless the guard has the means to end it."""
        guard = self.launch.guard
        connections = guard.hold()
        if len(connections) != 1:
            raise LaunchError(f"expected one FUSE mount of {guard.name}, found {len(connections)}")
        if not (connections[0].abort or connections[0].unmount):
            raise LaunchError(
                "the guard cannot end this FUSE connection, so the namespace must not be killed",
                "mount the control filesystem: `sudo mount -t fusectl none /sys/fs/fuse/connections`",
            )
        self.connection = connections[0]
        if self.server is None:
            self.server = Process.of(self._foreign_server())
        self.claims = (Claim(self.server.pid, self.connection.number),)

    def _foreign_server(self) -> int:
        """The process below init that has a FUSE device open: some servers fork before they serve."""
        for pid in _live_below(self.init):
            with contextlib.suppress(*GONE):
                if any(is_fuse_device(pid, pid, fd, name) for fd, name in procfs.read_descriptors(pid, pid)):
                    return pid
        raise LaunchError("something is mounted, and no process of the namespace has a FUSE device open")

    def _prove(self) -> None:
        """Wait until everything that the scenario needs at the kill is proven to be in place."""
        scenario = self.scenario
        if scenario.holder is not Holder.NOBODY:
            holders = [program.pid for program in self.programs] or [self._server().pid]
            self._until("the holder has the file open and sleeps", lambda: any(map(self._held_by, holders)))
        if scenario.holder is Holder.PASSED:
            self._until("the server has the file for itself", lambda: _live_below(self.init) == [self._server().pid])
        if scenario.commands:
            self._until("the programs run", lambda: len(_live_below(self.init)) >= len(scenario.commands))
        if scenario.exercise is Exercise.REQUEST_HELD:
            self._until("the server holds the request back", lambda: any(e.event == "held" for e in self._journal()))
        if scenario.exercise is Exercise.FLUSH_UNKNOWN:
            self._until("a FLUSH was answered", lambda: any(e.operation == "flush" for e in self._replies()))
        if scenario.call == "write-exit":
            self._until("the server has opened and synced the other file", self._nested)
            writer = self.programs[0].pid
            self._until("the writer has exited, or is in the flush of its exit", lambda: self._leaves(writer))

    def _nested(self) -> bool:
        others = [entry.operation for entry in self._replies() if entry.path != self.scenario.path]
        return "open" in others and "fsync" in others

    def _journal(self) -> tuple[journal.Entry, ...]:
        return journal.read(self.launch.journal) if self.launch.journal.exists() else ()

    def _replies(self) -> Iterable[journal.Entry]:
        return (entry for entry in self._journal() if entry.event == "replied")

    def _held_by(self, pid: int) -> bool:
        """The journal has the OPEN and no FLUSH of it, and a sleeping thread shows the descriptor.

        A file that was passed on has been flushed, by who passed it; a foreign server keeps no journal.
        """
        if self.launch.has_fakefs and self.scenario.holder is not Holder.PASSED:
            seen = [e.operation for e in self._replies() if e.path == self.scenario.path and e.result == 0]
            if not {"open", "opendir"} & set(seen) or "flush" in seen:
                return False
        name = f"/{self.launch.guard.name}/{MOUNT_POINT}{argv.held_path(self.scenario, self.launch.places)}".rstrip("/")
        return any(_holds(pid, tid, name) for tid in procfs.tids(pid))

    def _in_fuse(self, pid: int, flags: int = 0) -> bool:
        """A task of the process sleeps until a FUSE request is answered, with these flags set.

        By its stack, and by its wait channel where that is denied: Debian's 5.10 shows no wait channel at all.
        """
        for tid in procfs.tids(pid):
            with contextlib.suppress(*GONE):
                if procfs.read_stat(tid, pid).flags & flags == flags:
                    frames = procfs.read_stack(tid, pid) or (procfs.read_wchan(tid, pid) or "",)
                    if kernel_names.awaits_fuse(map(function_of, frames)):
                        return True
        return False

    def _leaves(self, pid: int) -> bool:
        """A kernel that does not wait for the answer lets it go."""
        try:
            return self._in_fuse(pid, PF_EXITING) or set(_states(pid)) <= {"Z"}
        except GONE:
            return True

    def stop_server(self) -> None:
        os.kill(self._server().pid, signal.SIGSTOP)
        self._until("the server is stopped", lambda: set(_states(self._server().pid)) == {"T"})
        if self.scenario.caller is Caller.PROCESS:
            (caller,) = self.programs
            os.kill(caller.pid, signal.SIGUSR1)
            self._until("the call waits for an answer", lambda: self._in_fuse(caller.pid))

    def let_server_exit(self) -> None:
        from fakefs.client import Control

        Control(self.launch.control).exit()
        self._until("the server has exited, or is in the flush of its exit", lambda: self._leaves(self._server().pid))

    def trace(self) -> None:
        self.launch.start_tracer(self.programs[0].pid)
        tracer = self._ready("the tracer", lambda: True)
        self.remedy = ("tracer", tracer.pid)

    def freeze(self) -> None:
        version = 1 if Requirement.FREEZER_V1 in self.scenario.requires else 2
        folder = self.launch.guard.freeze(_live_below(self.init), version)
        freezer = Freezer.at(folder, version)
        self._until("the tasks are frozen", lambda: freezer.frozen)
        self.remedy = ("cgroup", folder)

    def _about(self) -> str:
        on = f" on connection {self.connection.number}" if self.connection else ""
        scenario = self.scenario
        if scenario.before is not None:
            return f"{_SAID[scenario.before]}{on}"
        if scenario.call:
            return f"a call is made{on}: {scenario.call}"
        return f"the file is held open{on}" if scenario.holder is not Holder.NOBODY else f"all is in place{on}"

    def _until(self, what: str, holds: Callable[[], bool]) -> None:
        def probe() -> bool:
            with contextlib.suppress(*GONE):
                return holds()
            return False

        try:
            wait_until(what, READY_S, probe, _PAUSE_S)
        except DeadlineError as error:
            raise LaunchError(f"not armed: {error}") from error


_BEFORE: dict[Before, Callable[[_Arming], None]] = {
    Before.SERVER_STOPPED: _Arming.stop_server,
    Before.SERVER_EXITS: _Arming.let_server_exit,
    Before.TRACED: _Arming.trace,
    Before.FROZEN: _Arming.freeze,
}
_SAID = {
    Before.SERVER_STOPPED: "the server is stopped",
    Before.SERVER_EXITS: "the server is exiting already",
    Before.TRACED: "a task is traced by a process outside",
    Before.FROZEN: "the tasks below init are frozen",
}


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


def _live_below(init: int) -> list[int]:
    """The other processes of its PID namespace: by that, and not by descent, which changes when a parent exits."""
    try:
        namespace = procfs.read_namespace(init, init, "pid")
    except GONE:
        return []
    live = []
    for pid in procfs.user_pids():
        with contextlib.suppress(*GONE, PermissionError):
            if pid != init and procfs.read_namespace(pid, pid, "pid") == namespace:
                live += [pid] if procfs.read_process_stat(pid).state not in "ZX" else []
    return live


def _states(pid: int) -> list[str]:
    """The states of the threads that still exist."""
    states = []
    for tid in procfs.tids(pid):
        with contextlib.suppress(*GONE):
            states.append(procfs.read_stat(tid, pid).state)
    return states
