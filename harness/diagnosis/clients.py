"""Finds tasks that have waited long for an answer of a live FUSE server, whether anything is stuck or not."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnosis.records import Client, Serving
from harness.linux.sched import about_rested_s
from harness.model.holders import Awaited
from harness.model.records import Mount, Task
from harness.observe.awaited import awaited
from harness.observe.snapshot import Survey

LONG_S = 10.0
"""A wait is listed from here on, unless the caller asks for another limit."""


def long_waiting(survey: Survey, least_s: float) -> tuple[tuple[Client, ...], tuple[Serving, ...]]:
    """Read the clients that nobody has killed, and the servers of the connections that they wait for.

    The wait channel of every task is read only where a connection counts requests.

    Args:
        survey: A look over the machine.
        least_s: Clients that have waited less are left out.

    Returns:
        The clients, and every task of the processes that hold a device of their connections, where the kernel names
        the connection of a device.
    """
    asked = {each.number: each.waiting for each in survey.connections() if each.waiting and not each.virtiofs}
    if not asked:
        return (), ()
    clients = tuple(_clients(survey, least_s, asked))
    numbers = {number for client in clients for number in client.connections}
    holders = [(each.connection, each.tgid) for each in (survey.devices() if numbers else ())]
    serving = dict.fromkeys((number, pid) for number, pid in holders if number in numbers)
    survey.read_tasks(pid for _, pid in serving)
    tasks = (Serving(number, task) for number, pid in serving if number is not None for task in survey.tasks(pid))
    return clients, tuple(tasks)


def _clients(survey: Survey, least_s: float, asked: dict[int, int]) -> Iterator[Client]:
    ages: dict[int, dict[int, float]] = {}
    for pid, tids in survey.fuse_sleepers().items():
        for tid in tids:
            seconds = about_rested_s(tid, pid, survey.processor(pid, tid))
            if seconds is not None and seconds >= least_s:
                ages.setdefault(pid, {})[tid] = seconds
    survey.read_tasks(ages)
    waiting = [
        task
        for pid, of_process in ages.items()
        for task in survey.tasks(pid)
        if task.tid in of_process and not task.killed and not task.zombie
    ]
    of_process: dict[int, list[Task]] = {}
    for task in waiting:
        of_process.setdefault(task.tgid, []).append(task)
    shown = survey.reader.read(of_process, lambda pid: {task.tid: awaited(task) for task in of_process[pid]})
    asked_of: dict[int, _Asked] = {}
    for task in waiting:
        mounts = survey.mounts(task.tgid)
        if id(mounts) not in asked_of:
            asked_of[id(mounts)] = _Asked(mounts, asked)
        known = shown.get(task.tgid, {}).get(task.tid)
        yield asked_of[id(mounts)].client(task, ages[task.tgid][task.tid], known)


class _Asked:
    """The connections that count requests, as the tasks with one view of the mounts see them."""

    def __init__(self, mounts: tuple[Mount, ...], asked: dict[int, int]) -> None:
        self._mounts = {each.connection: each for each in reversed(mounts)}
        self._asked = asked
        self._seen = tuple(dict.fromkeys(each.connection for each in mounts if each.connection in asked))

    def client(self, task: Task, seconds: float, shown: Awaited | None) -> Client:
        numbers = self._seen if shown is None else (shown.connection,)
        mount = self._mounts.get(numbers[0]) if numbers else None
        waiting = self._asked.get(numbers[0]) if len(numbers) == 1 else None
        return Client(task, numbers, mount.fsname if mount else None, mount.point if mount else None, waiting, seconds)
