"""Long waits for a live server, by connection: what is left of the clients once the findings are known.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.diagnosis.records import Client, Finding, LongWait, Readings, Server
from harness.judge import blockers
from harness.model.records import Task


def long_waits(readings: Readings, findings: Iterable[Finding], least_s: float) -> tuple[LongWait, ...]:
    """Group the clients that have waited long and belong to no finding.

    Args:
        readings: What was read of the machine.
        findings: What is stuck, with its tasks.
        least_s: Clients that have waited less are left out.

    Returns:
        One for each connection, the longest wait first.
    """
    stuck = {
        number
        for finding in findings
        for number in (
            *(task.tid for task in finding.verdict.snapshots[-1].tasks),
            *(each.tid for each in finding.blockers),
        )
    }
    groups: dict[tuple[int, ...], list[Client]] = {}
    for client in readings.clients:
        if client.for_s >= least_s and client.task.tid not in stuck:
            groups.setdefault(client.connections, []).append(client)
    found = []
    for numbers, clients in groups.items():
        clients.sort(key=lambda client: (-client.for_s, client.task.tid))
        first = clients[0]
        servers = tuple(_servers(readings, numbers))
        found.append(LongWait(numbers, first.fsname, first.point, first.waiting, tuple(clients), servers))
    return tuple(sorted(found, key=lambda wait: (-wait.clients[0].for_s, wait.connections)))


def _servers(readings: Readings, numbers: tuple[int, ...]) -> Iterator[Server]:
    processes: dict[int, dict[int, Task]] = {}
    for each in readings.serving:
        if each.connection in numbers and not each.task.zombie:
            processes.setdefault(each.task.tgid, {})[each.task.tid] = each.task
    for pid, tasks in sorted(processes.items()):
        leader = tasks.get(pid) or next(iter(tasks.values()))
        yield Server(pid, leader.comm, tuple(_doing(tasks.values())))


def _doing(tasks: Iterable[Task]) -> Iterator[str]:
    """One phrase for each kind of rest; threads that do the same are counted."""
    kinds: dict[tuple[str, str], int] = {}
    for task in tasks:
        row = blockers.of_task(task)
        key = (task.state, "stopped by its tracer" if task.state == "t" else row.meaning)
        kinds[key] = kinds.get(key, 0) + 1
    for (state, meaning), times in kinds.items():
        yield f"state {state}: {meaning}" if times == 1 else f"{times} threads in state {state}: {meaning}"
