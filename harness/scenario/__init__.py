"""The declaration of a scenario, in words and as steps; never starts anything.

The scenarios themselves are files of scenarios/.
"""

from __future__ import annotations

from enum import StrEnum

from harness.model.terms import Kind as Kind
from harness.model.terms import Outcome
from harness.record import record


class Frame(StrEnum):
    """The target of the kill."""

    NAMESPACE = "namespace"
    """The init of a PID namespace."""
    NESTED = "nested"
    """The same, and the programs run in a second PID namespace below it."""
    PROCESS = "process"
    """The server alone, in no PID namespace of its own."""


class Place(StrEnum):
    INSIDE = "inside"
    """The server is a process of the PID namespace that dies."""
    OUTSIDE = "outside"
    """It lives outside, and a process inside uses its mount."""
    NOWHERE = "nowhere"
    """There is no FUSE in it at all."""


class Holder(StrEnum):
    """The process that holds a file open on the mount at the kill."""

    SERVER = "server"
    """A thread of the server itself, with a descriptor table of its own."""
    SHARED = "shared"
    """A thread of the server, in the one table of all its threads: whose exit flushes is not arranged."""
    PASSED = "passed"
    """The single thread of the server, to which another process passed the file."""
    PROCESS = "process"
    """A multithreaded process inside the namespace."""
    NOBODY = "nobody"


class Caller(StrEnum):
    """The process that is in a call on the mount at the kill."""

    SERVER = "server"
    """A thread of the server itself."""
    PROCESS = "process"
    """A process inside the namespace."""


class Before(StrEnum):
    """A step between arming and the kill."""

    SERVER_STOPPED = "server-stopped"
    """The server gets a SIGSTOP; who is to call, calls then, and nobody reads the request."""
    SERVER_EXITS = "server-exits"
    """The server exits of its own will, and is in the flush of its own file when the kill comes."""
    TRACED = "traced"
    """A tracer outside seizes a task, and never waits for it."""
    FROZEN = "frozen"
    """The tasks below init are frozen by their cgroup."""


class Exercise(StrEnum):
    """The evidence that the path under test really ran; without it, a release is `not-exercised`."""

    FILE_HELD = "file-held"
    """At the kill the holder had the file open, with no FLUSH sent before: its exit must flush."""
    FLUSH_SERVED = "flush-served"
    """The server's journal has a FLUSH from after the kill."""
    REQUEST_HELD = "request-held"
    """The server had read the request and held it back at the kill."""
    ARMED = "armed"
    """Arming has already proven it: a descriptor, a sleep in the request, a tracer, a freezer."""
    FLUSH_UNKNOWN = "flush-unknown"
    """A FLUSH was answered with ENOSYS before the kill, so that the kernel sends no other."""
    EXECUTED = "executed"
    """The journal has the FLUSH of a program that was then executed."""


class Requirement(StrEnum):
    """A requirement that not every machine meets; without it the scenario is skipped, with the requirement's name."""

    ROOT = "root"
    FREEZER_V1 = "cgroup v1 freezer"
    FREEZER_V2 = "cgroup v2 freezer"


@record(frozen=True, slots=True, kw_only=True)
class Scenario:
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
    frame: Frame = Frame.NAMESPACE
    server: Place = Place.INSIDE
    holder: Holder = Holder.NOBODY
    path: str = "/held"
    """The file that is held, and called upon."""
    caller: Caller | None = None
    call: str = ""
    """An action of fakefs.act, which the caller is in at the kill."""
    programs: tuple[str, ...] = ()
    """Programs of harness/programs that run in the namespace."""
    files: tuple[str, ...] = ("/held=some bytes",)
    """The files of the server's tree, as fakefs's command line takes them."""
    rules: tuple[str, ...] = ()
    """Rules of the server's fault policy, as fakefs's command line takes them."""
    mount_options: tuple[str, ...] = ()
    before: Before | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    """Programs of the user's that run in the namespace; they need not say that they are ready."""
    command: tuple[str, ...] = ()
    """In place of fakefs: the command of another FUSE server, with `{mountpoint}` in it."""
    exercise: Exercise = Exercise.FILE_HELD
    requires: tuple[Requirement, ...] = ()
    patience_s: float = 0.5
    """Seconds for tasks that could still move, before the outcome counts as starved."""
