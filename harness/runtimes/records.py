"""The records of a runtime's experiment: frozen, and without behaviour that touches the system."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.records import Check, Kernel, Outcome


class Moment(StrEnum):
    """At which moment of an experiment something was asked."""

    HEALTHY = "healthy"
    """Before the kill."""
    STUCK = "stuck"
    ABORTED = "aborted"
    """After the connection was aborted, and nothing else done."""


class Experiment(StrEnum):
    """The state of the container when it is killed."""

    FLUSH = "flush"
    """Its FUSE server holds a file open on its own mount."""
    EXEC = "exec"
    """The same, and an exec into the container is blocked on the mount: its LOOKUP is never answered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a runtime's command."""

    status: int | None
    """Exit status; None: no answer within `bound_s`, and the command was killed."""
    words: str
    """The line that says it: what an operation's `shows` finds, else the first line; empty when it said nothing."""
    took_s: float
    bound_s: float
    error: str = ""
    """Why nothing was measured; then the other fields say nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One question to a runtime and its answer."""

    name: str
    """The operation, by the same name for each runtime: kill, inspect, exec, …"""
    when: Moment
    command: str
    """As a person would type it, without the options that name the private instance."""
    answer: Answer


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process of the picture: the shim, the container's init, its server."""

    role: str
    pid: int
    comm: str
    state: str
    threads: int
    function: str | None
    """The innermost kernel function of its task that lives, where that can be read."""


@dataclass(frozen=True, slots=True)
class StuckState:
    """The picture that the write-up shows, as observed here."""

    outcome: Outcome
    reasons: tuple[str, ...]
    form: tuple[Check, ...]
    tree: tuple[ProcessRow, ...]
    """The processes, from the shim down."""
    verdict_ms: float
    """Milliseconds from the killing call to the verdict."""

    @property
    def shown(self) -> bool:
        return self.outcome is Outcome.DEADLOCK


@dataclass(frozen=True, slots=True)
class Recovery:
    """The recovery after the abort."""

    released_ms: float | None
    """From the abort to the empty namespace; None: it did not become empty."""
    recovered_s: float | None
    """Until the runtime itself no longer said what it said of the stuck container; None: it did not."""
    state: str
    """The runtime's last word on the container."""
    exit_status: int | None
    """The container's exit status, if the runtime still knows it: 137 is SIGKILL."""
    healthy: bool
    """A new container runs and ends well in the same instance."""
    lost: tuple[str, ...]
    """State that the runtime forgot or left behind, in words."""


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """One experiment with one runtime."""

    experiment: Experiment
    picture: StuckState
    operations: tuple[Operation, ...]
    """In the order in which the commands ran."""
    recovery: Recovery
    duration_s: float

    @property
    def good(self) -> bool:
        return self.picture.shown and self.recovery.released_ms is not None and self.recovery.healthy


@dataclass(frozen=True, slots=True)
class Subject:
    """A runtime and all that was seen of it."""

    name: str
    summary: str
    versions: tuple[tuple[str, str], ...]
    """(program, what it says of its version), the runtime's own first."""
    courses: tuple[ExperimentResult, ...] = ()
    missing: tuple[str, ...] = ()
    """Missing programs, each with its package; where there are any, nothing was tried."""
    errors: tuple[str, ...] = ()
    """Why an experiment could not be made."""
    leftovers: tuple[str, ...] = ()
    """Leftovers that fusezap could not remove."""

    @property
    def good(self) -> bool:
        return bool(self.courses) and not self.errors and not self.leftovers and all(each.good for each in self.courses)


@dataclass(frozen=True, slots=True)
class RuntimesReport:
    """The result of one command: the input of every format."""

    command: str
    version: str
    """Version of fusezap."""
    started: str
    """ISO 8601, UTC, to the second."""
    duration_s: float
    kernel: Kernel
    subjects: tuple[Subject, ...]
