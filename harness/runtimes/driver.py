"""The declarations of a runtime's file, as argument lists: pure, so that they can be printed and tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeededProgram:
    """A program that must be there; one of `programs` will do."""

    programs: tuple[str, ...]
    package: str
    """Debian's, and mostly others' too."""
    module: str = ""
    """A Python module that must be there; then `programs` is empty."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder or file of this machine, at the same path in the container."""

    path: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class GuestContainer:
    """The container that every runtime starts."""

    name: str
    program: Argv
    env: Mapping[str, str]
    rootfs: str
    """A folder of the sandbox."""
    binds: tuple[Bind, ...]
    cgroup: str
    """The parent of its control group, from the root of each hierarchy: `/NAME`."""
    init: str
    """A program that reaps, as PID 1 before the container's own."""


@dataclass(frozen=True, slots=True)
class InstancePaths:
    """The folder and the programs of a private instance of a runtime."""

    folder: str
    """A folder of the sandbox, with the root, the state and the socket below it."""
    tools: Mapping[str, str]
    """Program → its path, the user's own where one was named."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question of the table: its row, and the command."""

    name: str
    argv: Argv
    shows: str = ""
    """A pattern; its first group is what the table shows of the answer.  Empty: the first line."""


@dataclass(frozen=True, slots=True)
class Commands:
    """A runtime's command line, for one container."""

    run: Argv
    stays: bool
    """`run` is the container's parent and ends with it; else it returns once the container has been started."""
    kill: Ask
    state: Ask
    """Asked until it changes, after the abort."""
    harmless: tuple[Ask, ...]
    """Asked before the kill, too, to show that they work: exec, ps, …"""
    stuck: tuple[Ask, ...]
    """In this order, while it is stuck; `kill` has been asked before, and `state` is asked first."""
    blocked_exec: Argv
    """Blocks on the mount: its working directory is one whose LOOKUP is never answered."""
    remove: Ask
    """After the abort."""
    healthy: Argv
    """Runs a container that ends by itself with status 0, and removes it."""
    pending: tuple[Ask, ...] = ()
    """Started before the kill; they answer when they can: wait, events."""
    daemon: Argv = ()
    """Empty: there is none."""
    hello: Argv = ()
    """Succeeds once the daemon answers."""
    prepare: tuple[Argv, ...] = ()
    """Once, when the daemon answers: the image."""
    files: tuple[tuple[str, str], ...] = ()
    """(path in the sandbox, text), written first."""
    exit_status: str = ""
    """A pattern; its first group in the words of `state` is the exit status."""
    namespace_stays: bool = False
    """The container shares its PID namespace with others, and is ended without it: its server alone is judged."""
    instance: Argv = ()
    """Options that name the private instance: nobody would type them elsewhere."""
