"""A process that reads what might hang, so that it can be left behind.

The control group of a task (`cgroup_mutex`) and the state files of runtimes (a disk) are no readings that cannot block.
The clerk is forked before there are threads, does them one by one, and answers each; whoever waits has a deadline.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from harness.boundary import contain
from harness.diagnosis import containers
from harness.diagnosis.records import BELOW, Container
from harness.diagnosis.shapes import table
from harness.linux import procfs
from harness.linux.bounded import MountPoints, read_bounded, resolved
from harness.linux.children import end
from harness.linux.mountinfo import mount_roots
from harness.model import kernel_names
from harness.model.printable import visible
from harness.model.records import Snapshot, Task

LAUNCHERS = frozenset({"bwrap", "firejail", "minijail0", "nsjail", "unshare"})
"""Names of processes that make PID namespaces without a name: the comm that /proc/PID/stat shows."""
MOST_ABOVE = 64
"""Processes above init that a record may name."""
MOST_RECORDS = 20_000
"""The most records of one runtime."""
MOST_UNSEEN = 20
DEADLINE_S = 1.0
"""From one answer to the next."""
MOST_S = 5.0
"""For all that is asked at once."""


@contextmanager
def clerk_started() -> Iterator[Clerk]:
    asked_reader, asked_writer = os.pipe()
    told_reader, told_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(asked_writer)
        os.close(told_reader)
        contain(lambda: _serve(asked_reader, told_writer))
    os.close(asked_reader)
    os.close(told_writer)
    try:
        yield Clerk(asked_writer, told_reader)
    finally:
        os.close(asked_writer)
        os.close(told_reader)
        end(pid)


class Clerk:
    def __init__(self, asked: int, told: int) -> None:
        self._asked = asked
        self._told = told
        self.silent = False
        """It did not answer once: it is not asked again."""
        self.unseen: tuple[str, ...] = ()
        """The runtimes' records that could not be read at the last look."""

    def identify(self, snapshots: tuple[Snapshot, ...]) -> tuple[Container | None, ...]:
        """Find the container of each; None if there is none, if it is unknown, or if the helper does not return."""
        questions = [_question(snapshot) for snapshot in snapshots]
        if not questions or self.silent:
            return (None,) * len(questions)
        os.write(self._asked, json.dumps(questions).encode() + b"\n")
        answers = self._answers(len(questions))
        self.silent = len(answers) < len(questions)
        self.unseen = tuple(dict.fromkeys(each for _, unseen in answers for each in unseen))
        if self.silent:
            self.unseen += ("which container it is: what reads the records of container runtimes does not come back",)
        return (*(container for container, _ in answers), *(None,) * (len(questions) - len(answers)))

    def _answers(self, wanted: int) -> list[tuple[Container | None, tuple[str, ...]]]:
        until = time.monotonic() + MOST_S
        data = b""
        while data.count(b"\n") < wanted:
            ready, _, _ = select.select([self._told], [], [], max(0.0, min(DEADLINE_S, until - time.monotonic())))
            chunk = os.read(self._told, 65536) if ready else b""
            if not chunk:
                break
            data += chunk
        lines = data.split(b"\n")[:-1]
        return [
            (None if found is None else Container(**found), tuple(unseen)) for found, unseen in map(json.loads, lines)
        ]


def _question(snapshot: Snapshot) -> dict[str, Any]:
    """Tasks to look at, the likeliest first: those that are stuck, then the living; and the processes above.

    A namespace may have several containers, such as a pod's: init is of the pod's sandbox then, and comes last.
    """
    init = snapshot.init

    def likely(task: Task) -> tuple[bool, ...]:
        stuck = not task.zombie and kernel_names.awaits_fuse(task.functions)
        return (task.zombie, not stuck, init is not None and task.tgid == init.tgid, task.exiting)

    tasks = sorted(snapshot.tasks, key=likely)[:5]
    return {
        "tasks": [(task.tid, task.tgid) for task in tasks],
        "shim": init.ppid if init else 0,
        "init": (init.tgid, init.start_time) if init else (0, 0),
    }


def _serve(asked: int, told: int) -> None:
    table.prepare()  # while the tasks are read: the deadline is for the answers
    ready: _Files | None = _Files()
    with open(asked, encoding="utf-8") as stream:
        for line in stream:
            files = ready or _Files()
            ready = None
            for question in json.loads(line):
                look = _Look(files, files.ancestry(*question["init"]))
                found = (
                    look.container(question["tasks"], question["shim"])
                    or look.by_state()
                    or below((question["shim"], question["init"][0]))
                )
                answer = (None if found is None else asdict(found), look.unseen[:MOST_UNSEEN])
                os.write(told, json.dumps(answer).encode() + b"\n")


def below(pids: Iterable[int]) -> Container | None:
    """Name the process that made the namespace: these tools make no control group and keep no record of theirs.

    Args:
        pids: The parent of init and init itself, which has the tool's name too, and is left where the parent is gone.
    """
    for pid in pids:
        with contextlib.suppress(OSError):
            comm = procfs.read_process_stat(pid).comm if pid else ""
            if comm in LAUNCHERS:
                return Container(BELOW, f"{comm} {pid}", "the parent of the namespace's init, or init itself")
    return None


class _Files:
    """Files that are read once for all questions of one look: hundreds of suspects have one mount namespace, and the
    runtimes' records are the same for all."""

    def __init__(self) -> None:
        self.mounts = MountPoints.of_process(os.getpid())
        self._texts: dict[str, str | OSError | ValueError] = {}
        self._names: dict[str, list[str]] = {}
        self._named: dict[object, tuple[Container, ...]] = {}
        self._by_shim: dict[int, tuple[Container, ...]] = {}
        self._stats: dict[int, procfs.Stat] = {}

    def read(self, path: str) -> str:
        """The text of a record; OSError or ValueError as `read_bounded`."""
        if path not in self._texts:
            try:
                self._texts[path] = read_bounded(path, self.mounts)
            except (OSError, ValueError) as error:
                self._texts[path] = error
        found = self._texts[path]
        if isinstance(found, str):
            return found
        raise found

    def names(self, root: str) -> list[str]:
        """The names in a folder of records; none where there is no such runtime, or it is not to be read."""
        if root not in self._names:
            try:
                self._names[root] = os.listdir(resolved(root, self.mounts))[:MOST_RECORDS]
            except OSError:
                self._names[root] = []
        return self._names[root]

    def by_cgroup(self, tid: int, tgid: int) -> tuple[Container, ...]:
        """Runtimes and service managers name the control group after the container."""
        text = procfs.read(f"/proc/{tgid}/task/{tid}/cgroup")
        if text not in self._named:
            self._named[text] = containers.of_cgroup(text)
        return self._named[text]

    def by_shim(self, tid: int, tgid: int) -> tuple[Container, ...]:
        """The folder in which the process above init works."""
        if tid not in self._by_shim:
            self._by_shim[tid] = tuple(_by_shim(tid, tgid))
        return self._by_shim[tid]

    def above(self, pid: int) -> tuple[tuple[int, int], ...]:
        """(PID, start time) of a process and of those above it; OSError where it has gone."""
        found: list[tuple[int, int]] = []
        while not found or (pid > 1 and len(found) < MOST_ABOVE):
            try:
                stat = self._stat(pid)
            except OSError:
                if not found:
                    raise
                break
            found.append((pid, stat.start_time))
            pid = stat.ppid
        return tuple(found)

    def _stat(self, pid: int) -> procfs.Stat:
        if pid not in self._stats:
            self._stats[pid] = procfs.read_process_stat(pid)
        return self._stats[pid]

    def ancestry(self, init: int, start_time: int) -> tuple[tuple[int, int], ...]:
        """(PID, start time) of init and of the processes above it: a namespace may be one inside of the container's."""
        above: tuple[tuple[int, int], ...] = ()
        with contextlib.suppress(OSError):
            above = self.above(init)[1:] if init else ()
        return ((init, start_time), *above)

    def by_mounts(self, tid: int, tgid: int) -> tuple[Container, ...]:
        """A runtime mounts files of its own into the container: hostname, resolv.conf."""
        folder = f"/proc/{tgid}/task/{tid}"
        place = (procfs.read_namespace(tid, tgid, "mnt"), os.readlink(f"{folder}/root"))
        if place not in self._named:
            self._named[place] = containers.of_mounts(mount_roots(tid, tgid))
        return self._named[place]


class _Look:
    """The container of one namespace."""

    def __init__(self, files: _Files, ancestry: tuple[tuple[int, int], ...]) -> None:
        self._files = files
        self._ancestry = ancestry
        self._lineages: dict[int, tuple[tuple[int, int], ...]] = {}
        self.unseen: list[str] = []
        """Records that could not be read; each costs its own container, and no other."""

    def container(self, tasks: list[tuple[int, int]], shim: int) -> Container | None:
        """Confirmed by its runtime's record where there is one; else the first that anything is named after."""
        claims: dict[Container, list[tuple[int, int]]] = {}
        for look in (self._files.by_cgroup, self._files.by_mounts):
            for tid, tgid in tasks:
                for claim in _tried(look, tid, tgid):
                    claims.setdefault(claim, []).extend(self._lineage(tgid))
        for claim in _tried(self._files.by_shim, shim, shim) if shim else ():
            claims.setdefault(claim, [])
        first = next(iter(claims), None)
        for claim, above in claims.items():
            if self._confirms(claim, (*self._ancestry, *above)):
                found = self._described(replace(claim, confirmed=True))
                return _in_sandbox(first, claim, found)
        return first

    def _lineage(self, pid: int) -> tuple[tuple[int, int], ...]:
        """A process and those above it: in a pod that shares its PID namespace, init is not the container's."""
        if pid not in self._lineages:
            try:
                self._lineages[pid] = self._files.above(pid)
            except OSError:
                self._lineages[pid] = ()  # gone
        return self._lineages[pid]

    def _confirms(self, claim: Container, above: tuple[tuple[int, int], ...]) -> bool:
        for root, file, runtime in containers.STATES:
            text = self._read(f"{root}/{claim.id}/{file}")
            if text is None:
                continue
            for init in dict.fromkeys(above):
                if self._parsed(claim.id, f"{root}/{claim.id}/{file}", text, runtime, init) is not None:
                    return True
        return False

    def by_state(self) -> Container | None:
        """A runtime without a shim leaves no other sign: its own record of the container names init."""
        for root, file, runtime in containers.STATES:
            for name in self._files.names(root):
                path = f"{root}/{name}/{file}"
                text = self._read(path)
                found = None if text is None else self._parsed(name, path, text, runtime, self._ancestry[0])
                if found is not None:
                    return self._described(found)
        return None

    def _parsed(self, name: str, path: str, text: str, runtime: str, init: tuple[int, int]) -> Container | None:
        try:
            return containers.of_state(runtime, name, path, text, init)
        except ValueError as error:  # half written, or nothing of the runtime's
            self._miss(path, str(error))
            return None

    def _described(self, found: Container) -> Container:
        for path in containers.state_files(found):
            text = self._read(path)
            if text is None:
                continue
            try:
                found = containers.described(found, path, text)
            except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
                self._miss(path, f"{type(error).__name__}: {error}")
            if found.name:
                break
        return found

    def _read(self, path: str) -> str | None:
        """None where it is not there, or not to be read without risk."""
        try:
            return self._files.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            self._miss(path, getattr(error, "strerror", None) or str(error))
            return None

    def _miss(self, path: str, why: str) -> None:
        self.unseen.append(f"the record of a container, {visible(path)[:300]}: {visible(why)[:200]}")


def _in_sandbox(first: Container | None, claim: Container, found: Container) -> Container:
    """The stuck task's container rather than the sandbox of its pod, which is all that a record confirms."""
    if first is None or found.name != containers.SANDBOX or first.id == claim.id or first.pod != claim.pod:
        return found
    return replace(first, pod=found.pod, evidence=f"{first.evidence}, in the pod of sandbox {found.id[:12]}")


def _tried(look: Callable[[int, int], Iterable[Container]], tid: int, tgid: int) -> tuple[Container, ...]:
    try:
        return tuple(look(tid, tgid))
    except OSError:
        return ()  # gone, past its namespaces, or not ours to read


def _by_shim(tid: int, tgid: int) -> Iterator[Container]:
    """containerd's shim works in the container's bundle, conmon in its userdata; the name is read, never followed."""
    found = containers.of_folder(os.readlink(f"/proc/{tgid}/task/{tid}/cwd"), f"process {tid} above it works in")
    if found is not None:
        yield found
