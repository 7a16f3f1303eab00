"""The records of the experiments with FUSE servers: frozen, and without behaviour that touches the system."""

from __future__ import annotations

from enum import StrEnum

from harness.model.records import Kernel, Outcome
from harness.record import record


class Workload(StrEnum):
    """The process that has a file of the mount open when the server dies."""

    CLIENT = "client"
    """A process of the server's container reads a file and has written another; so does a neighbour's."""
    NESTED = "nested"
    """The same by a path that leads through the mount again: the server itself has a file of its own mount open."""


class Death(StrEnum):
    """The way of dying."""

    CONTAINER = "container"
    """SIGKILL of the init of the server's PID namespace."""
    SERVER = "server"
    """SIGKILL of the server alone."""
    EXIT = "exit"
    """SIGTERM, at which a server unmounts and exits; SIGKILL some seconds later if it did not, as runtimes do it."""


@record(frozen=True, slots=True)
class StuckTask:
    """A task that was still there when the outcome was final."""

    tid: int
    comm: str
    state: str
    function: str
    """The kernel function that says it: fuse_flush, request_wait_answer; empty where none could be read."""


@record(frozen=True, slots=True)
class Ending:
    """The fate of a namespace, or of the server's process alone.

    Args:
        outcome: The outcome of the judgement.
        reasons: Reasons of the verdict.
        took_ms: Milliseconds from the signal to the final outcome.
        stuck: Live tasks of it at that time.
        released_ms: Milliseconds from the abort of the connection until it was gone; None: it was gone before, or it
            did not go.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    took_ms: float
    stuck: tuple[StuckTask, ...] = ()
    released_ms: float | None = None


@record(frozen=True, slots=True)
class Cell:
    """One experiment: a server, who has files open, and a way of dying.

    Args:
        workload: Who has a file open.
        death: The way of dying.
        threads: Threads of the server when it was killed.
        holds_own: True if a descriptor of the server belonged to its own mount.
        waits_for_itself: True if the server waited for an answer of its own before the kill: no thread was left to read
            the request.
        needed_kill: True if SIGTERM did not end the server, so that SIGKILL followed.
        server: The ending of the container, or of the server's process where that alone was killed.
        neighbour: The ending of the neighbour's container, killed after that.
        error: Why there is no result; empty where there is one.
        leftovers: What could not be removed.
    """

    workload: Workload
    death: Death
    threads: int = 0
    holds_own: bool = False
    waits_for_itself: bool = False
    needed_kill: bool = False
    server: Ending | None = None
    neighbour: Ending | None = None
    error: str = ""
    leftovers: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """True if there is a result, nothing of it is left, and the abort has released what was stuck."""
        endings = (self.server, self.neighbour)
        return not self.error and not self.leftovers and all(map(_released, endings))


def _released(ending: Ending | None) -> bool:
    return ending is not None and (ending.outcome is Outcome.RELEASED or ending.released_ms is not None)


@record(frozen=True, slots=True)
class ServerResult:
    """A server and all that was seen of it.

    Args:
        name: The name of its file.
        summary: What it serves.
        version: Its version.
        library: What speaks the FUSE protocol for it, with its version.
        flush: True if a close() waits for the server's answer to FLUSH; None: that was not found out.
        cells: One per workload and way of dying.
        missing: Missing programs, each with its package; where there are any, nothing was tried.
    """

    name: str
    summary: str
    version: str = ""
    library: str = ""
    flush: bool | None = None
    cells: tuple[Cell, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """True if there are results, and all of them are good."""
        return bool(self.cells) and all(cell.good for cell in self.cells)

    @property
    def prone(self) -> bool:
        """True if one of its endings was a deadlock."""
        endings = (ending for cell in self.cells for ending in (cell.server, cell.neighbour))
        return any(ending is not None and ending.outcome is Outcome.DEADLOCK for ending in endings)


@record(frozen=True, slots=True)
class ServersReport:
    """The result of one command: the input of every format.

    Args:
        command: The command line.
        version: Version of fusezap.
        started: ISO 8601, UTC, to the second.
        duration_s: Seconds that all of it took.
        kernel: The kernel that ran it.
        servers: One per server.
    """

    command: str
    version: str
    started: str
    duration_s: float
    kernel: Kernel
    servers: tuple[ServerResult, ...]
