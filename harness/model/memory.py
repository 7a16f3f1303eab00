"""FUSE in kernel memory: every reference to every device, and every unanswered request."""

from __future__ import annotations

from harness.model.terms import StrEnum
from harness.record import record


class Holding(StrEnum):
    """The place that keeps a reference to an open file."""

    TABLE = "table"
    """The descriptor table of a task, and of those who share it."""
    DETACHED_TABLE = "detached-table"
    """A table that its last task, exiting, is closing: exit_files(), close_files()."""
    TASK_WORK = "task-work"
    """The last reference was given up: this task releases the file when it comes to its task work (fput())."""
    CALL = "call"
    """A call that is under way: read(), write() or poll() of the device by a task that is not exiting."""
    KERNEL_WORK = "kernel-work"
    """The same, but a worker of the kernel releases it (delayed_fput())."""


@record(frozen=True, slots=True)
class Reference:
    """One reference to an open device, and the task that keeps it."""

    holding: Holding
    tid: int | None = None
    """None: no task of a user has it."""
    tgid: int | None = None
    fd: int | None = None
    """The descriptor, in a table."""
    sharers: tuple[int, ...] = ()
    """Other processes (tgids) that have the same table: CLONE_FILES without CLONE_THREAD."""


@record(frozen=True, slots=True)
class OpenDevice:
    """One open file of /dev/fuse that serves a connection."""

    references: tuple[Reference, ...]
    count: int
    """f_count, read after the references; 0 once the last was given up and the file waits for its release."""

    @property
    def accounted(self) -> bool:
        """True if all references were found."""
        held = sum(each.holding in (Holding.TABLE, Holding.DETACHED_TABLE) for each in self.references)
        if held == self.count:
            return bool(self.references)
        calls = sum(each.holding is Holding.CALL for each in self.references)
        return held < self.count <= held + calls


@record(frozen=True, slots=True)
class PendingRequest:
    """A request that has no answer yet."""

    unique: int
    opcode: str
    """`FUSE_FLUSH`, …; a number where the kernel's types do not name it."""
    node: int
    state: str
    """In words: which queue it is in."""
    tid: int | None
    """The task that sleeps for the answer; None: nobody does (a request in the background)."""
    path: str | None = None
    """The node's path below the mount point; None if the kernel does not have it in memory."""


@record(frozen=True, slots=True)
class ServedConnection:
    """A FUSE connection, with the account of its devices."""

    number: int
    """dev_t, as fusectl names it."""
    connected: bool
    """False once it was aborted."""
    waiting: int
    devices: tuple[OpenDevice, ...] = ()
    hidden: int = 0
    """Devices of which no open file was found: only something else than a task's table keeps them."""
    requests: tuple[PendingRequest, ...] = ()
    blocked: tuple[int, ...] = ()
    """Tasks that wait until they may send a request."""
    limited: bool = False
    """A request timeout was agreed on: the kernel itself ends a wait."""
    virtiofs: bool = False

    @property
    def accounted(self) -> bool:
        """True if every reference to each of the connection's devices is known."""
        return not self.hidden and not self.virtiofs and all(each.accounted for each in self.devices)


@record(frozen=True, slots=True)
class KernelMemory:
    """The result of one reading of kernel memory."""

    source: str
    """In words: `/proc/kcore, with the types of BTF`, or which dump."""
    connections: tuple[ServedConnection, ...] = ()

    def connection(self, number: int) -> ServedConnection | None:
        return next((each for each in self.connections if each.number == number), None)

    def awaited_by(self, tid: int) -> ServedConnection | None:
        """Return the connection for whose answer this task sleeps, or for whose leave to ask."""
        for each in self.connections:
            if tid in each.blocked or any(request.tid == tid for request in each.requests):
                return each
        return None
