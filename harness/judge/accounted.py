"""Finds who can answer a connection, from the account of every reference to its devices in kernel memory.  Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.judge.waits import For, View, Wait, elsewhere_id, task_id
from harness.model.memory import Holding, Reference, ServedConnection
from harness.model.records import Need, Progress, Strength

_HELD = {
    Holding.DETACHED_TABLE: "kernel memory: it keeps the device in the table that it is closing",
    Holding.TASK_WORK: "kernel memory: it gave up the last reference to the device, and releases it by its task work",
    Holding.CALL: "kernel memory: it is in a call that keeps the device",
}


def explain(number: int, view: View) -> Wait | None:
    """Why the connection does not answer; None where kernel memory was not read or does not know it."""
    served = _served(number, view)
    if served is None or served.virtiofs:
        return None
    ended = _ends_by_itself(served)
    if ended:
        return Wait(Need.ANY, Progress.RUNS, ended)
    targets = {each.target: each for each in _keepers(served, view)}
    if not served.accounted:
        how = "kernel memory: there are more references to its device than were found"
        targets[elsewhere_id(number)] = For(elsewhere_id(number), Strength.OBSERVED, how)
    why = f"kernel memory: answered by whoever keeps its device, references found: {len(tuple(_references(served)))}"
    return Wait(Need.ANY, Progress.WAITS, why, tuple(targets.values()))


def elsewhere(number: int, view: View) -> Wait:
    """The keeper that no table shows: where a known one is alive, that is one more who could answer."""
    served = _served(number, view)
    alive = served is not None and any(
        not task.killed and not task.zombie
        for each in _references(served)
        for tgid in (each.tgid, *each.sharers)
        if tgid is not None
        for task in view.threads(tgid)
    )
    return Wait(
        Need.ANY,
        Progress.OUTSIDE if alive else Progress.UNKNOWN,
        "something else than a table keeps the device: an io_uring, a message under way, a call",
    )


def _served(number: int, view: View) -> ServedConnection | None:
    memory = view.snapshot.memory
    return None if memory is None else memory.connection(number)


def _ends_by_itself(served: ServedConnection) -> str:
    if not served.connected:
        return "kernel memory: it was aborted, and its requests are being ended"
    if served.limited:
        return "kernel memory: a request timeout was agreed on, and the kernel ends its requests itself"
    if any(each.holding is Holding.KERNEL_WORK for each in _references(served)):
        return "kernel memory: a worker of the kernel is about to release its device"
    return ""


def _references(served: ServedConnection) -> Iterator[Reference]:
    for device in served.devices:
        yield from device.references


def _keepers(served: ServedConnection, view: View) -> Iterator[For]:
    """Every live thread of the processes that share a table; the one task that still has to release a device."""
    for each in _references(served):
        if each.holding is Holding.TABLE:
            how = f"kernel memory: descriptor {each.fd} is its device"
            for tgid in filter(None, (each.tgid, *each.sharers)):
                threads = [thread.tid for thread in view.threads(tgid) if not thread.zombie]
                for tid in threads or [tgid]:
                    yield For(task_id(tid), Strength.OBSERVED, how)
        elif each.tid is not None:
            yield For(task_id(each.tid), Strength.OBSERVED, _HELD[each.holding])
