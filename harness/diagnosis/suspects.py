"""Finds possibly stuck tasks by one look over the machine: namespaces whose init exits, and processes that exit."""

from __future__ import annotations

from harness.linux.process import Target
from harness.model import kernel_names
from harness.model.records import PF_EXITING, Connection, Device, Task
from harness.observe.census import Census, Surveyed
from harness.observe.snapshot import Survey

PF_DUMPCORE = 0x200  # include/linux/sched.h


def worth_reading(census: Census) -> set[int]:
    """Processes with a thread that exits, dumps its core, or sleeps beyond the reach of signals."""
    return {
        pid
        for pid, process in census.items()
        if any(
            thread.state not in "ZX" and (thread.state == "D" or thread.flags & (PF_EXITING | PF_DUMPCORE))
            for thread in process.threads.values()
        )
    }


def dying_namespaces(survey: Surveyed, pids: set[int]) -> list[Target]:
    """Those whose PID 1 is exiting, the outermost of nested ones."""
    found = []
    for pid in pids:
        tasks = survey.tasks(pid)
        leader = next((task for task in tasks if task.leader), None)
        if leader is None or len(leader.ns_tids) < 2 or leader.ns_tids[-1] != 1:
            continue
        living = [task for task in tasks if not task.zombie]
        if all(task.exiting for task in living or [leader]):  # a leader that exited before its threads says nothing
            found.append(Target(pid, leader.start_time, _namespace(tasks)))
    nested = set().union(*(survey.inside(target) - {target.init} for target in found))
    return [each for each in found if each.init not in nested]


def _namespace(tasks: tuple[Task, ...]) -> int | None:
    """The PID namespace of any of the tasks that still shows it; 0: there is one, and none shows its number."""
    return next((task.pid_ns for task in tasks if task.pid_ns is not None), 0)


def dying_processes(survey: Surveyed, pids: set[int], covered: set[int]) -> list[tuple[Target, int]]:
    """Each with the thread that is stuck; those in a dying namespace are that one's."""
    found = []
    for pid in sorted(pids - covered):
        stuck = [task for task in survey.tasks(pid) if _stuck(task)]
        if stuck:
            first = min(stuck, key=lambda task: not kernel_names.awaits_fuse(task.functions))
            found.append((Target(pid, survey.census[pid].stat.start_time, None), first.tid))
    return found


def _stuck(task: Task) -> bool:
    return not task.zombie and (task.killed or task.held or bool(task.flags & PF_DUMPCORE))


def waiters(survey: Survey, covered: set[int]) -> list[tuple[Target, int]]:
    """Processes that nobody kills and that wait for a FUSE answer, where some connection seems to have nobody left.

    Their wait channels are read only then: it is a reading of every task that sleeps.
    """
    if not _questionable(survey):
        return []
    found = []
    for pid, tids in survey.fuse_sleepers().items():
        process = survey.census[pid]
        waiting = [tid for tid in tids if tid in process.threads and not process.threads[tid].flags & PF_EXITING]
        if waiting and pid not in covered:
            found.append((Target(pid, process.stat.start_time, None), waiting[0]))
    survey.read_tasks(target.init for target, _ in found)
    return found


def _questionable(survey: Survey) -> bool:
    """Some connection counts waiting requests, and no thread that holds its device is free to answer them."""
    asked = [each for each in survey.connections() if each.waiting and not each.virtiofs]
    if not asked:
        return False
    devices = survey.devices()
    survey.read_tasks({device.tgid for device in devices})
    return any(not _has_answerer(each, devices, survey) for each in asked)


def _has_answerer(connection: Connection, devices: tuple[Device, ...], survey: Survey) -> bool:
    return any(
        _free(task)
        for device in devices
        if device.connection in (connection.number, None)
        for task in survey.tasks(device.tgid)
    )


def _free(task: Task) -> bool:
    return not task.zombie and not task.exiting and not kernel_names.awaits_fuse(task.functions)
