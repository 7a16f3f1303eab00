"""The records that travel between the stages: frozen, slotted, without behaviour that touches the system.

Every time is CLOCK_MONOTONIC in nanoseconds (`*_ns`) or a duration in milliseconds (`*_ms`).  A `start_time` is
field 22 of /proc/PID/stat, in clock ticks since boot: together with the number it names a task for ever.
"""

from __future__ import annotations

import functools
import re

from harness.model.holders import Awaited, Frozen, PossibleHolder, Relative
from harness.model.memory import KernelMemory
from harness.model.terms import NO_VERDICT as NO_VERDICT
from harness.model.terms import STUCK as STUCK
from harness.model.terms import Kind as Kind
from harness.model.terms import Mark as Mark
from harness.model.terms import Need as Need
from harness.model.terms import Outcome as Outcome
from harness.model.terms import Progress as Progress
from harness.model.terms import Proof as Proof
from harness.model.terms import Strength as Strength
from harness.record import record, replace

PF_EXITING = 0x4  # include/linux/sched.h; field 9 of /proc/PID/task/TID/stat
PF_KTHREAD = 0x00200000
SIGKILL_MASK = 1 << (9 - 1)

_SUFFIX = re.compile(r"(\+0x[0-9a-f]+/0x[0-9a-f]+)?( \[\w+\])?$")
_CLONE = re.compile(r"\.(part|isra|constprop|cold|llvm)(\.\d+)*.*$")


def function_of(frame: str) -> str:
    """`put_files_struct.part.0+0x5a/0xc0 [fuse]` → `put_files_struct`: offset, module and compiler suffix removed."""
    return _CLONE.sub("", _SUFFIX.sub("", frame))


@functools.lru_cache(maxsize=4096)
def _functions_of(stack: tuple[str, ...]) -> tuple[str, ...]:
    """Asked again and again, of few different stacks."""
    return tuple(function_of(frame) for frame in stack)


@record(frozen=True, slots=True)
class Task:
    """One thread, as /proc/TGID/task/TID showed it at one moment."""

    tid: int
    tgid: int
    ppid: int
    comm: str
    state: str
    flags: int
    threads: int
    start_time: int
    pid_ns: int | None = None
    """Inode of its PID namespace; None where it may not be read."""
    ns_tids: tuple[int, ...] = ()
    """NSpid: its number in each PID namespace, outermost first."""
    pending: int = 0
    """SigPnd, the task's own pending signals, as a mask."""
    shared_pending: int = 0
    """ShdPnd, those of the thread group."""
    tracer: int = 0
    fd_slots: int | None = None
    """FDSize; 0 once exit_files() has detached the descriptor table."""
    switches: int | None = None
    """voluntary + involuntary context switches: unchanged means that it did not run."""
    frozen: str | None = None
    """The cgroup that keeps it from running (cgroup v1 freezer)."""
    wchan: str | None = None
    stack: tuple[str, ...] | None = None
    """Kernel frames, innermost first, as printed; None where they may not be read."""
    held: bool = False
    """Its `exec_update_lock` is held, by an execve() that does not come to an end: status alone can be read of it."""

    @property
    def leader(self) -> bool:
        return self.tid == self.tgid

    @property
    def zombie(self) -> bool:
        return self.state in "ZX"

    @property
    def exiting(self) -> bool:
        return bool(self.flags & PF_EXITING)

    @property
    def killed(self) -> bool:
        """A SIGKILL has reached it: pending, or already being acted on."""
        return self.exiting or bool((self.pending | self.shared_pending) & SIGKILL_MASK)

    @property
    def functions(self) -> tuple[str, ...]:
        """Kernel functions, innermost first: the stack, or the wait channel alone where the stack is denied."""
        if self.stack is not None:
            return _functions_of(self.stack)
        return (function_of(self.wchan),) if self.wchan else ()

    def same_rest(self, other: Task) -> bool:
        """True when nothing shows that it ran between the two readings."""
        return (
            self.tid == other.tid
            and self.start_time == other.start_time
            and self.state == other.state
            and self.stack == other.stack
            and self.wchan == other.wchan
            and self.switches == other.switches
        )


@record(frozen=True, slots=True)
class Device:
    """A descriptor of /dev/fuse in the table of a live task: whoever holds it can answer the connection's requests."""

    tid: int
    tgid: int
    fd: int
    connection: int | None
    """From fdinfo (`fuse_connection:`); None on kernels that do not name it."""
    file: int | None = None
    """A number for each open file of an unnamed connection: one file may be in several tables (kcmp(2))."""


@record(frozen=True, slots=True)
class Mount:
    """A FUSE mount in the mountinfo of a task."""

    connection: int
    """The mount's st_dev as a dev_t (`major << 20 | minor`), which is the connection's number in fusectl."""
    fsname: str
    point: str
    seen_by: int
    """tid whose mountinfo showed it."""
    covered: bool = False
    """Another mount lies on top of it at the same path: whoever names the path reaches that one."""


@record(frozen=True, slots=True)
class Connection:
    """A FUSE connection as the fusectl filesystem shows it."""

    number: int
    waiting: int | None
    """Requests not yet answered; None where fusectl is not to be had."""
    fsname: str | None = None
    virtiofs: bool = False
    """Answered by the host of this virtual machine: no task here holds a device of it."""


@record(frozen=True, slots=True)
class Claim:
    """A claim that this process serves this connection: from the launcher, or from other evidence than the device."""

    tgid: int
    connection: int
    evidence: str = ""
    """Empty: it was launched as the only one that ever had the device."""


@record(frozen=True, slots=True)
class Entry:
    """The result of an attempt to enter the PID namespace."""

    setns_errno: int
    fork_errno: int | None
    """None: setns failed, so fork was not tried."""


@record(frozen=True, slots=True)
class Snapshot:
    """All that a judgement rests on, read at one moment; nothing in it was guessed."""

    taken_ns: int
    release: str
    """`uname -r` of the kernel."""
    pid_ns: int | None
    """None: there is no namespace to go, only the process `init_tid`."""
    init_tid: int
    tasks: tuple[Task, ...]
    """The tasks of the PID namespace (and of those nested in it)."""
    others: tuple[Task, ...] = ()
    """Tasks outside that matter: holders of a FUSE device, exiting tasks, parents and tracers."""
    devices: tuple[Device, ...] = ()
    connections: tuple[Connection, ...] = ()
    mounts: tuple[Mount, ...] = ()
    """Those that each view of the machine has, once: `same_mounts` names the tasks that share it."""
    claims: tuple[Claim, ...] = ()
    unseen: tuple[str, ...] = ()
    """The parts that could not be read, with the reason."""
    names_connections: bool = False
    """This kernel's fdinfo has been seen to name a connection: a descriptor that names none is bound to none."""
    memory: KernelMemory | None = None
    """The account of kernel memory at the same moment; None if memory was not read."""
    without_memory: str = ""
    """Why kernel memory could not be read; empty where it was, and where nobody tried."""
    holders: tuple[PossibleHolder, ...] = ()
    """Processes that may keep a device that no table shows; searched for only when a task waits for FUSE."""
    relatives: tuple[Relative, ...] | None = None
    """Processes outside to which a device can have come; None where nobody looked: it can have come to any."""
    unsettled: tuple[str, ...] = ()
    """Why there was no instant, when this was read, at which none of these had a device that is not shown here."""
    awaited: tuple[Awaited, ...] = ()
    """Tasks of which something shows the connection that they wait for."""
    confined: tuple[int, ...] = ()
    """Tasks that can wait for nothing but a mount that they see: their open files and folders were looked at."""
    frozen: tuple[Frozen, ...] = ()
    """Frozen control groups of tasks that were read, and how each is thawed."""
    invisible: tuple[str, ...] = ()
    """Why there may be processes that cannot be seen at all from where it was read; empty where all are seen."""
    request_timeout: int | None = None
    """The kernel's own limit of a wait, in seconds (fs.fuse.*_request_timeout); 0: only what a server has negotiated
    limits it; None: this kernel has no such limit."""
    instant: bool = False
    """All of it is of one instant (a crash dump): nothing can have moved, and no second snapshot is needed."""
    same_mounts: tuple[tuple[int, ...], ...] = ()
    """Tasks that see the same mounts, a group for each view: `mounts` has what the first task of a group sees."""

    @property
    def init(self) -> Task | None:
        return next((task for task in self.tasks if task.tid == self.init_tid), None)

    @property
    def live(self) -> tuple[Task, ...]:
        """Tasks of the namespace that are no zombies."""
        return tuple(task for task in self.tasks if not task.zombie)

    def task(self, tid: int) -> Task | None:
        return next((task for task in (*self.tasks, *self.others) if task.tid == tid), None)

    def viewer(self, tid: int) -> int:
        """Return the task whose mounts a task sees: the first of its group, or itself."""
        return next((group[0] for group in self.same_mounts if tid in group), tid)


@record(frozen=True, slots=True)
class Node:
    """A task or a connection in the wait-for graph."""

    id: str
    label: str
    need: Need
    progress: Progress
    why: str
    """Evidence for `progress`."""

    @property
    def tid(self) -> int | None:
        """The TID of a task; None for any other node."""
        return tid_of(self.id)


def tid_of(node: str) -> int | None:
    """The TID in the name of a task's node; None for any other node."""
    kind, _, number = node.partition(":")
    return int(number) if kind == "task" else None


@record(frozen=True, slots=True)
class Edge:
    waiter: str
    target: str
    strength: Strength
    evidence: str


@record(frozen=True, slots=True)
class WaitGraph:
    root: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.id == name)

    def targets(self, name: str) -> tuple[Edge, ...]:
        return tuple(edge for edge in self.edges if edge.waiter == name)

    def successors(self) -> dict[str, list[str]]:
        """The nodes that each node waits for."""
        found: dict[str, list[str]] = {node.id: [] for node in self.nodes}
        for edge in self.edges:
            found[edge.waiter].append(edge.target)
        return found


@record(frozen=True, slots=True)
class Check:
    """One line of the form's checklist."""

    check: str
    title: str
    holds: bool | None
    """None if the readable evidence does not show it."""
    evidence: str


@record(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reasons: tuple[str, ...]
    graph: WaitGraph | None
    dead: tuple[str, ...]
    """Nodes of the graph that can make no progress, whatever happens elsewhere."""
    blockers: tuple[str, ...]
    """Nodes on which the rest hangs and that could still move."""
    connection: int | None
    """The one connection that the dead, or the starved, wait for."""
    snapshots: tuple[Snapshot, ...]
    """The snapshots that it rests on: two where stability is part of the proof."""
    form: tuple[Check, ...] = ()
    knot: tuple[str, ...] = ()
    """The dead nodes that wait, directly or not, for themselves; the other dead nodes only wait for these."""
    proof: Proof | None = None
    """The grade of a deadlock; None for any other outcome."""
    conditions: tuple[str, ...] = ()
    """The assumptions of a conditional proof, each with the checks that were made for it."""


@record(frozen=True, slots=True)
class Resolution:
    action: str
    command: str
    """The equivalent shell command."""
    released: bool
    release_ms: float | None
    detail: str = ""
    harmed: tuple[str, ...] | None = None
    """Other things that ended with the act, a line each; None if nobody checked."""


@record(frozen=True, slots=True)
class Attempt:
    """Something tried that does not resolve a deadlock: shown, timed, and not believed."""

    action: str
    command: str
    answer: str
    released: bool


@record(frozen=True, slots=True)
class Timings:
    """Milliseconds; None where the run did not come that far."""

    armed: float | None = None
    kill_to_verdict: float | None = None
    release: float | None = None
    total: float | None = None


@record(frozen=True, slots=True)
class Kernel:
    """As uname(2) says it."""

    release: str
    version: str
    machine: str


@record(frozen=True, slots=True)
class About:
    """The description of a scenario for a reader of reports; the scenario's file has more."""

    name: str
    kind: Kind
    summary: str
    """Completes 'This scenario …', on one line."""
    why: str
    """The kernel's behaviour and its cause, with the functions involved."""
    measured: tuple[str, ...]
    """Measured outcomes, with the kernels on which they were seen."""
    want: Outcome
    """The outcome on a kernel without the defect; for a behaviour, the outcome on the measured kernels."""
    steps: tuple[str, ...] = ()
    """The steps that lead to it, a sentence each."""


@record(frozen=True, slots=True)
class Milestone:
    """A moment of a run: started, armed, killed, judged, resolving, gone, cleaned."""

    at_ns: int
    name: str
    what: str
    """In words, for a reader."""


@record(frozen=True, slots=True)
class Sighting:
    """A task as it was seen from this moment on, until its next sighting."""

    at_ns: int
    tid: int
    tgid: int
    comm: str
    state: str
    """As /proc has it; empty: it is gone."""
    where: str | None
    """The innermost kernel function, where that can be read."""


@record(frozen=True, slots=True)
class Timeline:
    """The run's events with their times; the journal has the requests, on the same clock."""

    milestones: tuple[Milestone, ...] = ()
    """In order of time."""
    sightings: tuple[Sighting, ...] = ()
    """In order of time: one where something of the task changed."""


@record(frozen=True, slots=True)
class Result:
    """The complete result of one run of one scenario."""

    about: About
    kernel: Kernel
    verdict: Verdict
    armed: Snapshot | None
    resolution: Resolution | None
    timings: Timings
    mode: str
    """`root`, or `user-namespace`."""
    leftovers: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    journal: tuple[dict[str, object], ...] = ()
    """The server's own: seq, time (ns), event (called, held, released, replied, …), operation, path, caller (tid), …"""
    timeline: Timeline = Timeline()

    def without_evidence(self, reasons: bool = False) -> Result:
        """A copy without evidence, for counting; `reasons` keeps the verdict's reasons."""
        told = self.verdict.reasons if reasons else ()
        verdict = replace(self.verdict, graph=None, snapshots=(), form=(), reasons=told)
        return replace(self, verdict=verdict, armed=None, journal=(), timeline=Timeline(), attempts=())


@record(frozen=True, slots=True)
class Count:
    """An outcome seen `times` in all the runs."""

    outcome: Outcome
    times: int
    low: float
    high: float
    """The Clopper-Pearson interval of its rate, at `Series.confidence`."""


@record(frozen=True, slots=True)
class Latency:
    """Quantiles over several runs, in milliseconds."""

    median: float
    p95: float
    maximum: float


@record(frozen=True, slots=True)
class Series:
    """All the runs of one scenario under one kernel."""

    kernel: Kernel
    about: About
    mark: Mark
    counts: tuple[Count, ...]
    """The commonest first; empty when no run came to an outcome."""
    latencies_ms: tuple[float, ...]
    """Kill to verdict, of each run."""
    latency: Latency | None
    examples: tuple[Result, ...]
    """The first run of each outcome, in the order in which they were met."""
    errors: tuple[str, ...] = ()
    """Why runs could not be armed; each reason once."""
    warnings: tuple[str, ...] = ()
    """Lines of the kernel's log from that time: WARNING, BUG, Oops."""
    leftovers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Requirements that this machine does not meet; if there are any, the scenario was skipped."""
    note: str = ""
    """The rate of a race that this number of runs would have shown, and with which confidence."""
    confidence: float = 0.95
    duration_s: float = 0.0

    @property
    def runs(self) -> int:
        return sum(count.times for count in self.counts)

    def count(self, outcome: Outcome) -> int:
        return sum(count.times for count in self.counts if count.outcome is outcome)


@record(frozen=True, slots=True)
class Report:
    """The result of one command: the complete input of a report format."""

    command: str
    """As it can be typed again."""
    version: str
    """The version of fusezap."""
    started: str
    """ISO 8601, UTC, to the second."""
    duration_s: float
    series: tuple[Series, ...]
    errors: tuple[str, ...] = ()
    """Errors of the command as a whole: scenario files that could not be read."""
