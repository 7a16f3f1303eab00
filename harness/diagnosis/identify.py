"""A process that reads what might hang, so that it can be left behind.

The control group of a task (`cgroup_mutex`) and the state files of runtimes (a disk) are no readings that cannot block.
The clerk is forked before there are threads, does them one by one, and answers each; whoever waits has a deadline.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from harness.boundary import contain
from harness.diagnosis import containers
from harness.diagnosis.records import Container
from harness.linux import procfs
from harness.linux.bounded import read_bounded, resolved
from harness.linux.children import end
from harness.linux.mountinfo import MountEntry, read_mountinfo
from harness.model.records import Snapshot

DEADLINE_S = 1.0
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

    def identify(self, snapshots: tuple[Snapshot, ...]) -> tuple[Container | None, ...]:
        """Which container each is; None where it is none, cannot be told, or the clerk does not come back."""
        questions = [_question(snapshot) for snapshot in snapshots]
        if not questions or self.silent:
            return (None,) * len(questions)
        os.write(self._asked, json.dumps(questions).encode() + b"\n")
        answers = self._answers(len(questions))
        self.silent = len(answers) < len(questions)
        return (*answers, *(None,) * (len(questions) - len(answers)))

    def _answers(self, wanted: int) -> list[Container | None]:
        until = time.monotonic() + DEADLINE_S
        data = b""
        while data.count(b"\n") < wanted:
            ready, _, _ = select.select([self._told], [], [], max(0.0, until - time.monotonic()))
            chunk = os.read(self._told, 65536) if ready else b""
            if not chunk:
                break
            data += chunk
        lines = data.split(b"\n")[:-1]
        return [None if raw is None else Container(**raw) for raw in map(json.loads, lines)]


def _question(snapshot: Snapshot) -> dict[str, Any]:
    """Tasks to look at, the likeliest first: who is not exiting yet, or at least not dead, and who is above."""
    tasks = sorted(snapshot.tasks, key=lambda task: (task.zombie, task.exiting))[:5]
    init = snapshot.init
    return {
        "tasks": [(task.tid, task.tgid) for task in tasks],
        "shim": init.ppid if init else 0,
        "init": (init.tgid, init.start_time) if init else (0, 0),
    }


def _serve(asked: int, told: int) -> None:
    with open(asked, encoding="utf-8") as stream:
        for line in stream:
            mounts = read_mountinfo(os.getpid(), os.getpid())
            for question in json.loads(line):
                found = _container(question["tasks"], question["shim"], mounts) or _by_state(question["init"], mounts)
                os.write(told, json.dumps(found and asdict(found)).encode() + b"\n")


def _container(tasks: list[tuple[int, int]], shim: int, mounts: tuple[MountEntry, ...]) -> Container | None:
    for look in (_by_cgroup, _by_mounts):
        for tid, tgid in tasks:
            found = _tried(look, tid, tgid)
            if found is not None:
                return _described(found, mounts)
    found = _tried(_by_shim, shim, shim) if shim else None
    return None if found is None else _described(found, mounts)


def _tried(look: Callable[[int, int], Container | None], tid: int, tgid: int) -> Container | None:
    try:
        return look(tid, tgid)
    except OSError:
        return None  # gone, past its namespaces, or not ours to read


def _by_cgroup(tid: int, tgid: int) -> Container | None:
    return containers.of_cgroup(procfs.read(f"/proc/{tgid}/task/{tid}/cgroup"))


def _by_mounts(tid: int, tgid: int) -> Container | None:
    """A runtime mounts files of its own into the container: hostname, resolv.conf."""
    roots = (entry.root for entry in read_mountinfo(tid, tgid))
    return next((found for root in roots if (found := containers.of_folder(root, "it mounts"))), None)


def _by_shim(tid: int, tgid: int) -> Container | None:
    """containerd's shim works in the container's bundle, conmon in its userdata; the name is read, never followed."""
    return containers.of_folder(os.readlink(f"/proc/{tgid}/task/{tid}/cwd"), f"process {tid} above it works in")


def _by_state(init: tuple[int, int], mounts: tuple[MountEntry, ...]) -> Container | None:
    """A runtime without a shim leaves no other sign: its own record of the container names init."""
    for root, file, runtime in containers.STATES:
        try:
            names = os.listdir(resolved(root, mounts))
        except OSError:
            continue  # no such runtime, or not to be read without risk
        for name in names:
            path = f"{root}/{name}/{file}"
            try:
                found = containers.of_state(runtime, name, path, read_bounded(path, mounts), (init[0], init[1]))
            except (OSError, ValueError):
                continue  # gone meanwhile, or half written
            if found is not None:
                return _described(found, mounts)
    return None


def _described(found: Container, mounts: tuple[MountEntry, ...]) -> Container:
    for path in containers.state_files(found):
        try:
            return containers.described(found, path, read_bounded(path, mounts))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # not there, not to be read without risk, or not what it should be
    return found
