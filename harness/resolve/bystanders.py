"""Everything that an act is not meant for: looked at before and after it, so that its harm is seen.

Processes come and go on any machine.  A process counts as harmed only if it had lived for `OLD_S` or is a FUSE server,
and a mount only if somebody whom the act was not meant for saw it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from harness.linux import procfs
from harness.linux.fusectl import Fusectl
from harness.linux.mountinfo import MountEntry, fuse_mounts
from harness.linux.timed_reader import TimedReader
from harness.observe.census import Census, take_census
from harness.observe.snapshot import Survey
from harness.record import record

OLD_S = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


@record(frozen=True, slots=True)
class Mounted:
    """A FUSE mount in one mount namespace."""

    id: int
    connection: int
    fsname: str
    point: str
    users: frozenset[int]
    """The processes in the mount namespace."""


@record(frozen=True, slots=True)
class Bystander:
    """A process that is more than a zombie."""

    pid: int
    start_time: int
    """0 where it could not be read: an execve() that hangs keeps readers out."""
    comm: str
    old: bool
    server: bool
    """It holds a FUSE device."""


@record(frozen=True, slots=True)
class Surroundings:
    """The processes, FUSE mounts and connections of one moment."""

    processes: tuple[Bystander, ...]
    mounts: tuple[Mounted, ...]
    connections: tuple[int, ...]


def nearby() -> Surroundings:
    """Look at the processes of the machine and at the FUSE mounts of this mount namespace; fast."""
    reader = TimedReader()
    census = take_census(reader)
    me = os.getpid()
    mounts = tuple(_mounted(entry, frozenset({me})) for entry in fuse_mounts(me, me))
    return Surroundings(tuple(_processes(census, frozenset())), mounts, ())


def everywhere(ctl: Fusectl | None, reader: TimedReader) -> Surroundings:
    """Look at the processes, connections, devices and mount namespaces of the machine.

    Args:
        ctl: The machine's fusectl.
        reader: Remembers the processes that make their readers wait.
    """
    survey = Survey(ctl, reader)
    servers = frozenset(device.tgid for device in survey.devices())
    connections = tuple(each.number for each in survey.connections())
    return Surroundings(tuple(_processes(survey.census, servers)), tuple(_mounts(survey.census, reader)), connections)


def _processes(census: Census, servers: frozenset[int]) -> Iterator[Bystander]:
    now = float(procfs.read_record("/proc/uptime").split()[0])
    for pid, process in census.items():
        stat = process.stat
        if stat.state not in "ZX" or stat.threads > 1:
            old = now - stat.start_time / _TICKS >= OLD_S
            yield Bystander(pid, stat.start_time, stat.comm, old, pid in servers)


def _mounts(census: Census, reader: TimedReader) -> Iterator[Mounted]:
    members: dict[int, set[int]] = {}
    for pid, namespace in reader.read(census, _mount_namespace).items():
        if namespace is not None:
            members.setdefault(namespace, set()).add(pid)
    for pids in members.values():
        first = min(pids)
        for entries in reader.read([first], _fuse_mounts).values():
            yield from (_mounted(entry, frozenset(pids)) for entry in entries)


def _mount_namespace(pid: int) -> int | None:
    try:
        return procfs.read_namespace(pid, pid, "mnt")
    except OSError:
        return None  # gone, past its namespaces, or closed to us


def _fuse_mounts(pid: int) -> tuple[MountEntry, ...]:
    try:
        return fuse_mounts(pid, pid)
    except OSError:
        return ()


def _mounted(entry: MountEntry, users: frozenset[int]) -> Mounted:
    return Mounted(entry.id, entry.device, entry.source, entry.point, users)


def harmed(
    before: Surroundings, after: Surroundings, meant: Iterable[int], connections: Iterable[int] = ()
) -> tuple[str, ...]:
    """Name what was well before an act that was not meant for it, and is gone after it.  Pure.

    Args:
        before: The machine before the act.
        after: The machine after it.
        meant: The processes that the act was to end, or whose end is its purpose.
        connections: The connections that the act was to end.

    Returns:
        One line each; empty where nothing else ended.
    """
    targets, numbers = frozenset(meant), frozenset(connections)
    left = {(each.id, each.connection, each.point) for each in after.mounts}
    mounts = [each for each in before.mounts if each.connection not in numbers and not each.users <= targets]
    lost = [each for each in mounts if (each.id, each.connection, each.point) not in left]
    own = {each.connection for each in before.mounts if each.users <= targets} - {each.connection for each in mounts}
    ended = [number for number in before.connections if number not in numbers | own and number not in after.connections]
    dead = [each for each in before.processes if (each.old or each.server) and each.pid not in targets]
    return (
        *(f"the mount of {each.fsname} (connection {each.connection}) at {each.point} is gone" for each in lost),
        *(f"connection {number} has ended" for number in ended if number not in {each.connection for each in lost}),
        *(f"{'server' if each.server else 'process'} {each.comm} {each.pid} has ended" for each in _gone(dead, after)),
    )


def ended(before: Surroundings, after: Surroundings, pids: Iterable[int]) -> tuple[int, ...]:
    """Return those of these processes that were there before, and are not after.  Pure."""
    wanted = frozenset(pids)
    return tuple(each.pid for each in _gone([each for each in before.processes if each.pid in wanted], after))


def _gone(processes: list[Bystander], after: Surroundings) -> Iterator[Bystander]:
    living = {each.pid: each.start_time for each in after.processes}
    for each in processes:
        start_time = living.get(each.pid)
        known = start_time not in (None, 0) and each.start_time
        if start_time is None or (known and start_time != each.start_time):
            yield each
