"""The ways by which an open device can have come to a process: ancestry, session, namespaces.

Without a way, the means to keep a device outside of every table is a condition of a verdict; with one, it bars the
proof.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from harness.linux import procfs
from harness.linux.procfs import GONE
from harness.linux.timed_reader import TimedReader
from harness.observe.census import Census

_INIT = 1
_KINDS = ("pid", "mnt", "user")
INSIDE = "it is one of those that are to end"


class Surroundings(NamedTuple):
    """The resources that a process shares with others."""

    session: int
    namespaces: tuple[int | None, ...]
    """PID, mount and user namespace, by inode; None where it may not be read, or is left already."""


def _surroundings(pid: int) -> Surroundings | None:
    try:
        return Surroundings(procfs.read_process_stat(pid).session, tuple(_namespace(pid, kind) for kind in _KINDS))
    except (*GONE, PermissionError):
        return None


def _namespace(pid: int, kind: str) -> int | None:
    try:
        return procfs.read_namespace(pid, pid, kind)
    except OSError:
        return None


class Relations:
    """The relations of all processes of one look, ready to be asked for any of them."""

    def __init__(self, census: Census, reader: TimedReader) -> None:
        self._census = census
        read = reader.read(census, _surroundings)
        self._around = {pid: around for pid, around in read.items() if around is not None}
        self._own = self._around.get(os.getpid())
        self._children: dict[int, list[int]] = {}
        self._sessions: dict[tuple[int, int | None], list[int]] = {}
        self._members: dict[tuple[str, int], list[int]] = {}
        for pid, process in census.items():
            self._children.setdefault(process.stat.ppid, []).append(pid)
        for pid, process in census.items():
            around = self._around.get(pid)
            home = None if around is None else around.namespaces[0]
            self._sessions.setdefault((process.stat.session, home), []).append(pid)
        for pid, around in self._around.items():
            for key in self._private(around):
                self._members.setdefault(key, []).append(pid)
        self._observer = set(self._below(os.getpid()))
        self._known: dict[object, dict[int, str]] = {}

    def by_mount_namespace(self) -> dict[int, list[int]]:
        """Return the processes of each mount namespace."""
        found: dict[int, list[int]] = {}
        for pid, around in self._around.items():
            number = around.namespaces[1]
            if number is not None:
                found.setdefault(number, []).append(pid)
        return found

    def _private(self, around: Surroundings) -> Iterator[tuple[str, int]]:
        """Namespaces that not the whole machine shares: those that are not our own."""
        everybodys = self._own.namespaces if self._own is not None else (None,) * len(_KINDS)
        for place, kind in enumerate(_KINDS):
            number = around.namespaces[place]
            if number is not None and number != everybodys[place]:
                yield kind, number

    def _below(self, pid: int) -> Iterator[int]:
        todo = [pid]
        while todo:
            pid = todo.pop()
            yield pid
            todo.extend(self._children.get(pid, ()))

    def ways(self, inside: frozenset[int]) -> dict[int, str]:
        """Return the processes to which a device of these processes can have come, and how.

        Args:
            inside: The processes of the dying namespace, or the process that is judged.

        Returns:
            The way by PID, for those inside too.  Processes with the same surroundings share one answer.
        """
        key: object = inside
        if len(inside) == 1:
            (pid,) = inside
            process = self._census.get(pid)
            key = (self._around.get(pid), process.stat.ppid if process else 0)
        if key not in self._known:
            self._known[key] = self._ways(inside)
        return self._known[key]

    def _ways(self, inside: frozenset[int]) -> dict[int, str]:
        found = dict.fromkeys(inside, INSIDE)
        for pid in inside:
            for ancestor in self._ancestors(pid):
                if ancestor in found:
                    break
                found[ancestor] = f"an ancestor of {pid}"
        parents = {self._census[pid].stat.ppid for pid in inside if pid in self._census} - inside - {0, _INIT}
        for parent in parents:
            for pid in self._children.get(parent, ()):
                found.setdefault(pid, f"a sibling by fork: its parent is {parent}, too")
        around = [self._around[pid] for pid in inside if pid in self._around]
        for kind, number in {key for each in around for key in self._private(each)}:
            for pid in self._members.get((kind, number), ()):
                found.setdefault(pid, f"in the same {kind} namespace")
        homes = {each.namespaces[0] for each in around} | ({self._own.namespaces[0]} if self._own else set())
        for session in {each.session for each in around} - {0}:
            for home in {*homes, None}:  # None: one that is gone by now, or left its namespaces
                for pid in self._sessions.get((session, home), ()):
                    found.setdefault(pid, f"in the same session, {session}")
        ours = self._observer - inside
        return {pid: way for pid, way in found.items() if pid not in ours and (pid != _INIT or pid in inside)}

    def _ancestors(self, pid: int) -> Iterator[int]:
        """PID 1 is none: it adopts whoever is left over."""
        process = self._census.get(pid)
        while process is not None and process.stat.ppid not in (0, _INIT):
            yield process.stat.ppid
            process = self._census.get(process.stat.ppid)
