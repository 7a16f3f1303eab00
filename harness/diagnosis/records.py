"""The readings and findings of a diagnosis: frozen records, like those of `harness/model/records.py`."""

from __future__ import annotations

from harness.model.records import Outcome, Snapshot, Task, Verdict
from harness.record import record

TAKEN = "%Y-%m-%dT%H:%M:%SZ"
"""The form of every time in a diagnosis: UTC, as strftime(3) has it."""
BELOW = "below process"
"""The runtime of a namespace that no container tool names: the process that made it, such as bwrap, is all there is."""


@record(frozen=True, slots=True)
class Container:
    """The container of a namespace, according to its control group and the runtime's state files."""

    runtime: str
    """The tool, as the table of path shapes calls it: docker, lxc, "podman or cri-o"; or BELOW."""
    id: str
    evidence: str
    """The source of the number."""
    name: str | None = None
    image: str | None = None
    pod: str | None = None
    """NAMESPACE/NAME where it is known, else the pod's UID."""
    confirmed: bool = False
    """The runtime's own record names the namespace's init, or a process above it.  Else it is a claim: whoever is in a
    container can give control groups and folders any name."""


@record(frozen=True, slots=True)
class Rest:
    """Seconds since a task last ran: `se.exec_start` of /proc/PID/sched."""

    tid: int
    seconds: float


@record(frozen=True, slots=True)
class Use:
    """A mount namespace in which a connection is mounted."""

    connection: int
    mount_ns: int
    processes: int
    pid: int
    """One of them."""
    point: str


@record(frozen=True, slots=True)
class PendingRequest:
    """One that a FUSE server has not answered (struct fuse_req, fs/fuse/fuse_i.h)."""

    connection: int
    unique: int
    opcode: str
    """FUSE_FLUSH, as include/uapi/linux/fuse.h has it."""
    node: int
    path: str | None
    """Below the mount point."""
    state: str
    tid: int | None
    """The task that sleeps until the answer comes."""
    for_s: float | None = None
    """Seconds for which that task has slept."""


@record(frozen=True, slots=True)
class Client:
    """A task that nobody has killed and that has waited long for a FUSE answer."""

    task: Task
    connections: tuple[int, ...]
    """The one that it waits for, where its call shows it; else those among its mounts that count requests."""
    fsname: str | None
    point: str | None
    """The mount of the first of them, as the task sees it."""
    waiting: int | None
    """Requests without an answer on the one that it waits for; None where that is not known."""
    for_s: float


@record(frozen=True, slots=True)
class Serving:
    """A task of a process that holds a connection's device."""

    connection: int
    task: Task


@record(frozen=True, slots=True)
class Reading:
    """All that was read of one suspect."""

    snapshots: tuple[Snapshot, ...]
    """Two, in the order taken."""
    rests: tuple[Rest, ...] = ()
    container: Container | None = None
    uses: tuple[Use, ...] = ()


@record(frozen=True, slots=True)
class Readings:
    """All that was read of the machine: what `--capture` keeps."""

    taken: str
    """ISO 8601, UTC, to the second."""
    boot: str
    release: str
    tasks: int
    duration_s: float
    readings: tuple[Reading, ...]
    blind: tuple[str, ...] = ()
    """Reasons why an empty answer does not mean that nothing is stuck."""
    unseen: tuple[str, ...] = ()
    """The parts that could not be read, in words."""
    requests: tuple[PendingRequest, ...] = ()
    """Without an answer, of the connections that are waited for; where the kernel's memory could be read."""
    clients: tuple[Client, ...] = ()
    """Those who have waited long for an answer, whether anything is stuck or not."""
    serving: tuple[Serving, ...] = ()
    """The requests of the connections for which those wait."""
    running: bool = True
    """False: they are of a crash dump, on whose machine nothing can be ended any more."""


@record(frozen=True, slots=True)
class Blocker:
    """A task that keeps the rest from ending."""

    pid: int
    tid: int
    start_time: int
    comm: str
    state: str
    stack: tuple[str, ...] | None
    wchan: str | None
    kind: str
    meaning: str
    reference: str
    waits_for: str


@record(frozen=True, slots=True)
class Stuck:
    """The connection that a finding waits for."""

    number: int
    fsname: str | None
    waiting: int | None
    point: str | None
    uses: tuple[Use, ...]
    requests: tuple[PendingRequest, ...] = ()
    shown: bool = True
    """Something shows that it is this one; False: it is the only one that fits the mounts which the tasks see."""


@record(frozen=True, slots=True)
class Remedy:
    """An act that would end the hang.  `resolver`: the one of fusezap that does the same; None: by hand only."""

    action: str
    command: str
    effect: str
    resolver: str | None = None
    target: str = ""
    """The resolver's argument: a tracer's PID, a frozen group's folder."""

    @property
    def lossless(self) -> bool:
        """The tasks resume, and nothing of theirs is lost."""
        return self.action in ("continue", "thaw")


@record(frozen=True, slots=True)
class Finding:
    """One thing that is stuck."""

    id: str
    """Names it as it is: it is another one when its tasks, its connection, its outcome or the boot are."""
    init_pid: int | None
    """None: no PID namespace is dying of it."""
    kind: str
    verdict: Verdict
    blockers: tuple[Blocker, ...]
    connection: Stuck | None
    container: Container | None
    for_s: float | None
    """Seconds since when nothing of it ran."""
    since: str | None
    """The same as a moment, ISO 8601, UTC."""
    remedies: tuple[Remedy, ...]
    """Without commands where the machine does not run any more."""
    running: bool = True
    """False: it was found in a crash dump."""

    @property
    def outcome(self) -> Outcome:
        return self.verdict.outcome


@record(frozen=True, slots=True)
class Server:
    """A process that could answer."""

    pid: int
    comm: str
    doing: tuple[str, ...]
    """The activity of its threads, a phrase for each kind."""


@record(frozen=True, slots=True)
class LongWait:
    """Clients of one connection that have waited long, though nothing of it is stuck: of lower rank than a finding."""

    connections: tuple[int, ...]
    """More than one where nothing shows which of them it is."""
    fsname: str | None
    point: str | None
    waiting: int | None
    """Requests without an answer on it; None where that is not known."""
    clients: tuple[Client, ...]
    """The waiting tasks, the longest wait first."""
    servers: tuple[Server, ...]
    """Empty where none is known."""


@record(frozen=True, slots=True)
class Aftermath:
    """The effects of an act on others."""

    took_s: float | None
    """Seconds until the finding was gone; None when it is still there."""
    ended: tuple[int, ...]
    """Its processes that have ended."""
    living: tuple[int, ...]
    """Its processes that live on."""
    harmed: tuple[str, ...]
    """Other things that have ended or are stuck now, and were well before; a line each."""
    well: tuple[int, int, int]
    """Processes, FUSE mounts and connections that there are after it."""


@record(frozen=True, slots=True)
class Diagnosis:
    """All that a report is given."""

    readings: Readings
    findings: tuple[Finding, ...]
    version: str
    command: str
    waits: tuple[LongWait, ...] = ()
    waits_count: bool = False
    """Long waits were asked for (`--stuck-for`), and count for the exit status."""

    @property
    def status(self) -> int:
        """As node-problem-detector's custom plugins have it: 0 none, 1 found, 2 it cannot be told."""
        if self.findings or (self.waits and self.waits_count):
            return 1
        return 2 if self.readings.blind else 0
