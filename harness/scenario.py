"""What a scenario declares; the files themselves are in scenarios/."""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from types import ModuleType
from typing import TYPE_CHECKING

from harness import registry
from harness.errors import UsageError
from harness.terms import Kind as Kind
from harness.terms import Outcome

if TYPE_CHECKING:
    from harness.model import About


class Frame(StrEnum):
    """What is killed."""

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
    """Who holds a file open on the mount when the kill comes."""

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
    """Who is in a call on the mount when the kill comes."""

    SERVER = "server"
    """A thread of the server itself."""
    PROCESS = "process"
    """A process inside the namespace."""


class Before(StrEnum):
    """What happens to the armed scenario before the kill."""

    SERVER_STOPPED = "server-stopped"
    """The server gets a SIGSTOP; who is to call, calls then, and nobody reads the request."""
    SERVER_EXITS = "server-exits"
    """The server exits of its own will, and is in the flush of its own file when the kill comes."""
    TRACED = "traced"
    """A tracer outside seizes a task, and never waits for it."""
    FROZEN = "frozen"
    """The tasks below init are frozen by their cgroup."""


class Exercise(StrEnum):
    """What shows that the path under test really ran; without it, a release is `not-exercised`."""

    FILE_HELD = "file-held"
    """At the kill the holder had the file open, with no FLUSH sent before: its exit must flush."""
    FLUSH_SERVED = "flush-served"
    """The server's journal has a FLUSH from after the kill."""
    REQUEST_HELD = "request-held"
    """The server had read the request and held it back at the kill."""
    ARMED = "armed"
    """What arming waited for is all that it takes: a descriptor, a sleep in the request, a tracer, a freezer."""
    FLUSH_UNKNOWN = "flush-unknown"
    """A FLUSH was answered with ENOSYS before the kill, so that the kernel sends no other."""
    EXECUTED = "executed"
    """The journal has the FLUSH of a program that was then executed."""


class Requirement(StrEnum):
    """What not every machine has; without it the scenario is skipped, by its name."""

    ROOT = "root"
    FREEZER_V1 = "cgroup v1 freezer"
    FREEZER_V2 = "cgroup v2 freezer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    kind: Kind
    summary: str
    """Completes 'This scenario …', on one line."""
    why: str
    """What the kernel does and why, with its functions."""
    measured: tuple[str, ...]
    """What was seen, and where."""
    want: Outcome
    """What a kernel free of the defect does; for a behaviour, what the measured kernels do."""
    frame: Frame = Frame.NAMESPACE
    server: Place = Place.INSIDE
    holder: Holder = Holder.NOBODY
    path: str = "/held"
    """What is held, and called upon."""
    caller: Caller | None = None
    call: str = ""
    """An action of fakefs.act, which the caller is in at the kill."""
    programs: tuple[str, ...] = ()
    """Programs of harness/programs that run in the namespace."""
    files: tuple[str, ...] = ("/held=some bytes",)
    """Of the server's tree, as fakefs's command line takes them."""
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
    """How long what could still move is given before the outcome counts as starved."""


@functools.cache
def read_catalogue() -> tuple[dict[str, Scenario], tuple[str, ...]]:
    """Every scenario by name, and what is wrong with the files that declare none: they must not keep others from
    being run."""
    import scenarios

    found: dict[str, Scenario] = {}
    broken = []
    for name in registry.names(scenarios):
        try:
            found[name] = _declared(scenarios, name, found)
        except Exception as error:  # whatever a file raises while it is imported is told with its name
            broken.append(f"scenarios/{name.replace('-', '_')}.py: {type(error).__name__}: {error}")
    return found, tuple(broken)


def _declared(package: ModuleType, name: str, others: dict[str, Scenario]) -> Scenario:
    scenario = registry.module(package, name, "SCENARIO").SCENARIO
    if not isinstance(scenario, Scenario):
        raise TypeError(f"SCENARIO is a {type(scenario).__name__}, and not a Scenario")
    if scenario.name in others:
        raise ValueError(f"the name {scenario.name!r} is taken by another file")
    if scenario.name != name:
        raise ValueError(f"the name {scenario.name!r} must be that of its file, {name!r}")
    return scenario


def catalogue() -> dict[str, Scenario]:
    return read_catalogue()[0]


def find(names: tuple[str, ...]) -> tuple[Scenario, ...]:
    """By name or glob, each once; UsageError tells every unknown one, each with all names near it."""
    known = catalogue()
    chosen: dict[str, Scenario] = {}
    wrong = []
    for name in names:
        matching = [each for each in known if fnmatchcase(each, name)]
        chosen |= {each: known[each] for each in matching}
        if not matching:
            near = difflib.get_close_matches(name, known, n=len(known), cutoff=0.5)
            wrong.append(f"unknown scenario {name!r}" + (f"; near: {', '.join(near)}" if near else ""))
    if wrong:
        raise UsageError("\n".join(wrong), "`fusezap list` shows them all")
    return tuple(chosen.values())


def steps(scenario: Scenario) -> tuple[str, ...]:
    """How to come to it by hand, a sentence each."""
    found = [_FRAMES[scenario.frame]]
    if scenario.command:
        found.append(f"The FUSE server `{' '.join(scenario.command)}` runs in it.")
    elif scenario.server is not Place.NOWHERE and scenario.frame is not Frame.PROCESS:
        where = "in it" if scenario.server is Place.INSIDE else "outside, and its mount is seen inside"
        found.append(f"A FUSE server runs {where}.")
    found += [f"Its rule: {rule}." for rule in scenario.rules]
    found += [f"Mounted with -o {option}." for option in scenario.mount_options]
    found += [f"A program in it: {name} (harness/programs/{name}.py)." for name in scenario.programs]
    if scenario.holder is not Holder.NOBODY:
        found.append(f"{_HOLDERS[scenario.holder]} holds {scenario.path} of the mount open.")
    if scenario.caller is not None:
        who = "A thread of the server" if scenario.caller is Caller.SERVER else "A process inside"
        found.append(f"{who} makes the call `{scenario.call}` on {scenario.path}.")
    if scenario.before is not None:
        found.append(_BEFORE[scenario.before])
    found.append(
        "SIGKILL is sent to init." if scenario.frame is not Frame.PROCESS else "SIGKILL is sent to the server."
    )
    return tuple(found)


_FRAMES = {
    Frame.NAMESPACE: "A PID namespace is made, with an init that reaps.",
    Frame.NESTED: "A PID namespace is made, and in it another one, each with an init that reaps.",
    Frame.PROCESS: "A FUSE server runs as a plain process.",
}
_HOLDERS = {
    Holder.SERVER: "A thread of the server, with a descriptor table of its own (unshare(CLONE_FILES)),",
    Holder.SHARED: "A thread of the server",
    Holder.PASSED: "The only thread of the server, which was passed the descriptor (SCM_RIGHTS),",
    Holder.PROCESS: "A process inside",
}
_BEFORE = {
    Before.SERVER_STOPPED: "The server is stopped with SIGSTOP, before any call is made.",
    Before.SERVER_EXITS: "The server calls exit_group(2).",
    Before.TRACED: "A process outside seizes a task (PTRACE_SEIZE) and never waits.",
    Before.FROZEN: "The tasks below init are frozen by their cgroup.",
}


def about(scenario: Scenario) -> About:
    """What the reports tell of it."""
    from harness.model import About  # late: a scenario that is only run has no need of the records yet

    return About(
        scenario.name, scenario.kind, scenario.summary, scenario.why, scenario.measured, scenario.want, steps(scenario)
    )
