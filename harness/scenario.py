"""What a scenario declares; the files themselves are in scenarios/."""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass
from enum import StrEnum

from harness import registry
from harness.errors import UsageError
from harness.terms import Outcome

HELD_FILE = "held"
"""The file on the mount that the holder keeps open."""


class Kind(StrEnum):
    DEFECT = "defect"
    """A kernel free of the defect comes to `want`; `check` passes or fails on it."""
    BEHAVIOUR = "behaviour"
    """What FUSE does by design: reported, neither passed nor failed."""
    CONTROL = "control"
    """Comes to `want` on every kernel, or the harness is wrong."""


class Place(StrEnum):
    INSIDE = "inside"
    """The server is a process of the PID namespace that dies."""
    OUTSIDE = "outside"
    """It lives outside, and a process inside uses its mount."""


class Holder(StrEnum):
    """Who holds a file open on the mount when the namespace is killed."""

    SERVER = "server"
    """A thread of the server itself, with a descriptor table of its own."""
    PROCESS = "process"
    """A multithreaded process inside the namespace."""


class Exercise(StrEnum):
    """What shows that the path under test really ran; without it, a release is `not-exercised`."""

    FILE_HELD = "file-held"
    """At the kill the holder had the file open, with no FLUSH sent before: its exit must flush."""
    FLUSH_SERVED = "flush-served"
    """The server's journal has a FLUSH from after the kill."""


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
    server: Place = Place.INSIDE
    holder: Holder = Holder.SERVER
    rules: tuple[str, ...] = ()
    """Rules of the server's fault policy, as fakefs's command line takes them."""
    stop_server: bool = False
    """The server is stopped (SIGSTOP) before the kill."""
    exercise: Exercise = Exercise.FILE_HELD
    patience_s: float = 0.5
    """How long what could still move is given before the outcome counts as starved."""


@functools.cache
def catalogue() -> dict[str, Scenario]:
    """Every scenario by name; a file without SCENARIO, or with a name taken, fails with its own name."""
    import scenarios

    found: dict[str, Scenario] = {}
    for module in registry.modules(scenarios, "SCENARIO"):
        scenario = module.SCENARIO
        if scenario.name in found or scenario.name.replace("-", "_") != module.__name__.rpartition(".")[2]:
            raise UsageError(f"{module.__file__}: the name {scenario.name!r} must be unique, and that of its file")
        found[scenario.name] = scenario
    return found


def find(names: tuple[str, ...]) -> tuple[Scenario, ...]:
    """UsageError tells every unknown name, each with all names near it."""
    known = catalogue()
    wrong = []
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=len(known), cutoff=0.5)
            wrong.append(f"unknown scenario {name!r}" + (f"; near: {', '.join(near)}" if near else ""))
    if wrong:
        raise UsageError("\n".join(wrong), "`fusezap list` shows them all")
    return tuple(known[name] for name in names)
