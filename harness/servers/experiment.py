"""One server, one workload, one way of dying: start, arm, kill, judge, abort, and count what is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from harness.errors import FusezapError, LaunchError
from harness.guard import leftovers
from harness.guard.client import Guard, guarded
from harness.guard.rundir import MOUNT_POINT
from harness.launch.notify import Notifications
from harness.linux import fusectl, procfs
from harness.linux.fusectl import Fusectl
from harness.linux.polling import poll
from harness.linux.process import Process, Target
from harness.model.records import Claim
from harness.record import replace
from harness.servers import observation
from harness.servers.records import Cell, Death, Ending, Workload
from harness.servers.server import Argv, Places, Service

READY_S = 40.0
EXITS_S = 5.0
"""Seconds that a server has to end at SIGTERM before it is sent SIGKILL."""
RELEASED_S = 10.0
STUCK_S = 1.5
"""Seconds in which none of the tasks that wait for FUSE runs, when a server waits for itself."""
FILE_TEXT = "a file of the server's source\n"
PYTHON = (sys.executable, "-P", "-m")
_PROGRAMS = "harness.servers.programs"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """A cell, and whether a close() of a file of that server waits for FLUSH; None where that was not asked."""

    cell: Cell
    flush: bool | None


def run_cell(
    module: ModuleType, tools: Mapping[str, str], workload: Workload, death: Death, ask_flush: bool, tell: Tell
) -> Measured:
    """Make one experiment.

    Args:
        module: The server's file.
        tools: Program → its path.
        workload: Who has a file open.
        death: The way of dying.
        ask_flush: True to find out whether the server answers FLUSH.
        tell: Called with the progress, in words.

    Returns:
        The cell; where the experiment failed, with the error.

    Raises:
        MachineError: No experiment can be made on this machine.
    """
    with guarded() as guard:
        if guard.ctl is None:
            raise LaunchError("no fusectl filesystem can be had", "mount -t fusectl none /sys/fs/fuse/connections")
        run = _Run(guard, guard.ctl, module, tools, workload, death, tell)
        try:
            with run.stack:
                cell, flush = run.measure(ask_flush)
        except (FusezapError, OSError) as error:
            cell, flush = Cell(workload, death, error=str(error)), None
        left = (*guard.end(), *leftovers.of_run(guard.name, guard.folder))
    return Measured(replace(cell, leftovers=left), flush)


def specification(service: Service, places: Places, run: str) -> str:
    """The text of the file that `harness.servers.programs.container` reads; `run` names the tmpfs that it mounts."""
    parts = {name: getattr(service, name) for name in ("prepare", "backend", "serve", "stdin", "env")}
    files = [(f"{places.data}/file", FILE_TEXT), *service.files]
    folders = (places.data, places.mount, places.work)
    return json.dumps(
        {**parts, "port": places.port, "top": places.folder, "run": run, "folders": folders, "files": files}
    )


def opened_paths(service: Service, places: Places, workload: Workload) -> tuple[str, str]:
    """The paths that a workload reads and writes; the second is empty where nothing is written."""
    read = service.nested if workload is Workload.NESTED else service.file
    write = f"{places.mount}/{service.scratch}" if service.scratch else ""
    return f"{places.mount}/{read}", write


def places_of(folder: str, tools: Mapping[str, str]) -> Places:
    """The places of an experiment in its folder, which is a tmpfs of the container."""
    return Places(folder, f"{folder}/data", f"{folder}/mnt", f"{folder}/work", _free_port(), PYTHON, tools)


def _free_port() -> int:
    with socket.socket() as channel:
        channel.bind(("127.0.0.1", 0))
        port: int = channel.getsockname()[1]
    return port


class _Run:
    def __init__(
        self,
        guard: Guard,
        ctl: Fusectl,
        module: ModuleType,
        tools: Mapping[str, str],
        workload: Workload,
        death: Death,
        tell: Tell,
    ) -> None:
        self.stack = ExitStack()
        self._guard = guard
        self._ctl = ctl
        self._workload = workload
        self._death = death
        self._tell = tell
        self._places = places_of(str(guard.folder / MOUNT_POINT), tools)
        self._service: Service = module.service(self._places)
        self._log = guard.folder / "programs.log"
        self._specification = guard.folder / "container.json"
        self._notifications = self.stack.enter_context(contextlib.closing(Notifications(guard.folder / "notify")))
        self._env = {"NOTIFY_SOCKET": str(self._notifications.path)}

    def measure(self, ask_flush: bool) -> tuple[Cell, bool | None]:
        init, client = self._start()
        connection, abort_fd = self._hold()
        blocked = not self._armed("client", client, init)
        servers = observation.servers(init)
        if not servers:
            raise LaunchError("something is mounted, and no process of the container has a FUSE device open")
        neighbour = self._start_neighbour(init)
        flush = self._waits_for_flush(client, servers) if ask_flush and not blocked else None
        claims = tuple(Claim(pid, connection) for pid in servers)
        cell = Cell(
            self._workload,
            self._death,
            threads=observation.threads(servers),
            holds_own=any(observation.holds_own(pid, connection) for pid in servers),
            waits_for_itself=blocked and any(map(observation.awaits_fuse, servers)),
        )
        whole, beside = Target.of(init), Target.of(neighbour)
        target = whole if self._death is Death.CONTAINER else Target.of_process(servers[0])
        self._tell("is killed" if self._death is not Death.EXIT else "is sent SIGTERM")
        server, needed_kill = self._kill(target, servers, claims)
        self._tell(f"{server.outcome}; the neighbour's container is killed")
        began_ns = time.monotonic_ns()
        _signal([neighbour], signal.SIGKILL)  # it may have ended: its open(2) fails with the server
        other = observation.ending(beside, self._ctl, claims, began_ns)
        fusectl.abort(abort_fd)
        server, other = _released(server, target), _released(other, beside)
        return replace(cell, needed_kill=needed_kill, server=server, neighbour=other), flush

    # ---- until it is armed

    def _start(self) -> tuple[int, int]:
        """The container's init, and the client, which waits for the mount no longer."""
        Path(self._places.folder).mkdir()
        self._specification.write_text(specification(self._service, self._places, self._guard.name))
        programs = (self._program("container", str(self._specification)), self._opener("client"))
        self._tell("is started")
        _, init = self._guard.container(programs, self._env, self._log)
        ready = self._notifications.ready("the mount", READY_S, self._log, lambda: bool(observation.processes(init)))
        return init, ready.pid

    def _start_neighbour(self, init: int) -> int:
        argv = self._program("neighbour", str(init), *self._opener("neighbour")[len(PYTHON) + 1 :])
        pid = self._guard.program(argv, self._env, self._log)
        own = Process.of(pid)
        ready = self._notifications.ready("the neighbour", READY_S, self._log, lambda: own.alive)
        self._armed("neighbour", ready.pid, init)
        return ready.pid

    def _program(self, name: str, *arguments: str) -> Argv:
        return (*PYTHON, f"{_PROGRAMS}.{name}", *arguments)

    def _opener(self, name: str) -> Argv:
        read, write = opened_paths(self._service, self._places, self._workload)
        return self._program(
            "workload", name, self._places.mount, str(self._guard.folder), read, write and f"{write}-{name}"
        )

    def _hold(self) -> tuple[int, int]:
        """The connection and its abort file: no kill may follow unless guard and harness can end it."""
        connections = self._guard.hold()
        if len(connections) != 1 or not connections[0].abort:
            raise LaunchError(
                f"expected one FUSE connection of {self._guard.name}, found {len(connections)}", self._last_words()
            )
        number = connections[0].number
        return number, self.stack.enter_context(self._ctl.abort_opened(number))

    def _armed(self, name: str, pid: int, init: int) -> bool:
        """True once the workload has its files open; False if it waits for a server that waits for itself."""
        armed = self._guard.folder / f"{name}.armed"
        process = Process.of(pid)
        stuck = observation.Rest(STUCK_S)

        def settled() -> bool:
            if armed.exists() or not process.alive:
                return True
            waits = observation.waits_in_open(pid)
            return stuck.reached(observation.waiters(init) if waits else ())

        if not poll(READY_S, settled, 0.02) or not (armed.exists() or process.alive):
            raise LaunchError(f"the {name} could not open its files", self._last_words())
        return armed.exists()

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-4:])

    def _waits_for_flush(self, client: int, servers: list[int]) -> bool:
        """True if close() waits for the server's answer: it does not return while the server is stopped."""
        closed = self._guard.folder / "client.closed"
        with _stopped(servers):
            os.kill(client, signal.SIGUSR1)
            if not poll(READY_S, lambda: closed.exists() or observation.awaits_fuse(client)):
                raise LaunchError("close() neither returned nor came to wait for the server")
            waits = not closed.exists()
        if not poll(READY_S, closed.exists):
            raise LaunchError("close() did not return although the server goes on")
        return waits

    # ---- the end

    def _kill(self, target: Target, servers: list[int], claims: tuple[Claim, ...]) -> tuple[Ending, bool]:
        """The ending, and whether SIGTERM was not enough."""
        pids = [target.init] if self._death is Death.CONTAINER else servers
        needed_kill = False
        began_ns = time.monotonic_ns()
        if self._death is Death.EXIT:
            _signal(pids, signal.SIGTERM)
            needed_kill = observation.await_gone(target, EXITS_S) is None
        if needed_kill or self._death is not Death.EXIT:
            began_ns = time.monotonic_ns()
            _signal(pids, signal.SIGKILL)
        return observation.ending(target, self._ctl, claims, began_ns), needed_kill


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _released(ending: Ending, target: Target) -> Ending:
    """With the time from the abort until it was gone, where it was stuck."""
    return replace(ending, released_ms=observation.await_gone(target, RELEASED_S)) if ending.stuck else ending


@contextmanager
def _stopped(pids: list[int]) -> Iterator[None]:
    """With the processes stopped, as their state shows."""
    try:
        _signal(pids, signal.SIGSTOP)
        if not poll(READY_S, lambda: all(procfs.read_process_stat(pid).state == "T" for pid in pids)):
            raise LaunchError("the server did not stop at SIGSTOP")
        yield
    finally:
        _signal(pids, signal.SIGCONT)
