"""Scenarios of foreign programs: the user's own FUSE server in the place of fakefs, or any programs at all."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence

from harness.errors import UsageError
from harness.model.terms import Outcome
from harness.scenario import Exercise, Holder, Kind, Place, Scenario

MOUNTPOINT = "{mountpoint}"


def scenario(command: str, hold: str | None) -> Scenario:
    """UsageError for a command that cannot be run, or does not say where to mount.

    `hold` is a path on the mount.  Of a server that mirrors a folder, a path that leads through the mount point again
    makes the server itself open a file of its own mount: `{mountpoint}/file` below a mirror of `/`.
    """
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--server {command!r}: {error}") from error
    if not any(MOUNTPOINT in word for word in argv):
        raise UsageError(
            f"--server {command!r} does not say where to mount", "write {mountpoint} where the folder belongs"
        )
    program = shutil.which(argv[0])
    if program is None:
        raise UsageError(f"--server: {argv[0]} is no program that can be found", "give its whole path")
    if hold is not None and not hold.startswith(("/", MOUNTPOINT)):
        raise UsageError(f"--hold {hold!r} is no path on the mount", "begin it with /")
    held = "/" if hold is None else hold
    return Scenario(
        name="foreign-server",
        kind=Kind.BEHAVIOUR,
        summary=f"kills a namespace in which {argv[0].rpartition('/')[2]} serves and {held} of its mount is held",
        why="""\
The server and the holder are two processes of the namespace. A server that has nothing open on its own mount is killed,
its device is closed (fuse_dev_release()), and every request ends: released. One that has opened a file of its own mount
flushes it in its exit (fuse_flush()), for which only it could answer: deadlock.""",
        measured=("whatever the server makes of it",),
        want=Outcome.RELEASED,
        server=Place.INSIDE,
        holder=Holder.PROCESS,
        path=held,
        command=(program, *argv[1:]),
        exercise=Exercise.ARMED,
    )


def programs(commands: Sequence[Sequence[str]]) -> Scenario:
    """These, below an init and in a namespace of their own.  UsageError for one that cannot be found."""
    found = []
    for words in commands:
        program = shutil.which(words[0]) if words else None
        if program is None:
            raise UsageError(f"{' '.join(words)!r} begins with no program that can be found", "give its whole path")
        found.append((program, *words[1:]))
    return Scenario(
        name="programs",
        kind=Kind.BEHAVIOUR,
        summary="kills a namespace in which the user's programs run",
        why="Whatever they do: a namespace that does not go is waited for by zap_pid_ns_processes().",
        measured=("whatever they make of it",),
        want=Outcome.RELEASED,
        server=Place.NOWHERE,
        commands=tuple(found),
        exercise=Exercise.ARMED,
    )
