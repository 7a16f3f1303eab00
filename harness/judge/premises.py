"""The assumptions of a proof of deadlock: none, or conditions in words, each with the checks that were made for it.
Pure."""

from __future__ import annotations

from collections.abc import Iterator

from harness.judge.waits import View
from harness.model import kernel_names
from harness.model.holders import PossibleHolder
from harness.model.records import Snapshot, Strength, WaitGraph, tid_of

NAMED = 5
"""Processes that a condition names; of more it gives the number."""
_MEANS = {
    "io-uring": "have an io_uring, in whose registered files or requests a device could be",
    "mappings": "have an aio context or a mapped io_uring, in which a device could be",
    "calls": "are in a call that could keep a device which is closed meanwhile",
    "calls-unlikely": "are in poll(2) or select(2), and another thread has run since",
    "closing": "are closing files, of which one could be the device",
    "in-flight": "have files in flight on a UNIX socket, among which the device could be",
    "unread-table": "have a descriptor table that could not be read",
}

_LACKING = {"calls-unlikely": "that it put another file in the place of a device that was polled"}


def complete(graph: WaitGraph, dead: frozenset[str], now: Snapshot) -> bool:
    """True if every reference to the device of every connection among the dead is accounted for.

    Where kernel memory gives the account, it also has to show the request of each task that waits for the connection.
    """
    launched = {claim.connection for claim in now.claims if not claim.evidence}
    numbers = [int(name.partition(":")[2]) for name in dead if name.startswith("connection:")]
    derived = {edge.target for edge in graph.edges if edge.waiter in dead and edge.strength is not Strength.OBSERVED}
    return bool(numbers) and all(
        number in launched or (f"connection:{number}" not in derived and _in_memory(number, now)) for number in numbers
    )


def _in_memory(number: int, now: Snapshot) -> bool:
    served = None if now.memory is None else now.memory.connection(number)
    return served is not None and served.accounted


def moved(before: Snapshot, now: Snapshot) -> tuple[str, ...]:
    """Why the device may have changed hands between the two looks, unseen by both; empty where it cannot have.

    The first look has to show one instant at which nobody had it beyond what was read: nobody gets it afterwards.  The
    second shows that those who wait were waiting at that instant, and wait still.
    """
    return () if before.relatives is None or now.relatives is None else before.unsettled


def conditions(graph: WaitGraph, dead: frozenset[str], now: Snapshot) -> tuple[str, ...]:
    """The conditions of a proof that rests on /proc alone."""
    view = View(now)
    numbers = [int(name.partition(":")[2]) for name in dead if name.startswith("connection:")]
    return (
        *_connections(graph, dead),
        *_holders(now, dead),
        *_elsewhere(view, numbers),
        *_limits(now, numbers),
        *(f"what could not be read changes nothing: {each}" for each in now.unseen),
        *(
            [f"kernel memory, which would show it all, was not read: {now.without_memory}"]
            if now.without_memory
            else []
        ),
    )


def _connections(graph: WaitGraph, dead: frozenset[str]) -> Iterator[str]:
    """Tasks whose connection is not shown by a descriptor or by kernel memory."""
    labels = {node.id: node.label for node in graph.nodes}
    found: dict[tuple[str, str], list[str]] = {}
    for edge in graph.edges:
        waits = tid_of(edge.waiter) is not None and tid_of(edge.target) is None
        if waits and edge.waiter in dead and edge.strength is not Strength.OBSERVED:
            found.setdefault((labels[edge.target], edge.evidence), []).append(labels[edge.waiter])
    for (target, evidence), waiters in found.items():
        yield f"{_listed(waiters)} waits for {target}, as {evidence}; no descriptor of the call shows it"


def _holders(now: Snapshot, dead: frozenset[str]) -> Iterator[str]:
    """Processes with the means to keep a device, and no way by which it can have come to them."""
    groups: dict[str, dict[int, PossibleHolder]] = {}
    for holder in now.holders:
        if not holder.way:
            groups.setdefault(holder.means, {})[holder.tgid] = holder
    for means, found in groups.items():
        names = _listed([f"{each.comm} {each.tgid}" for each in found.values()])
        what = _MEANS.get(means, "could keep a device outside of every table")
        lacking = _LACKING.get(means, "a way from the device to them")
        yield f"{len(found)} process(es) {what}, and nothing shows {lacking}: {names}"
    if now.relatives is not None and any(name.startswith("connection:") for name in dead):
        yield (
            "no process keeps the device in a call or a message that is under way: checked of "
            f"{len(now.relatives)} process(es) to which it can have come, by ancestry, session or namespaces"
        )


def _elsewhere(view: View, numbers: list[int]) -> Iterator[str]:
    """Devices and exiting tasks of others, to which nothing leads from the connection."""
    unnamed = {device.tgid for device in view.unnamed_devices}
    far = sorted(tgid for tgid in unnamed if not any(view.related(tgid) or view.sees(tgid, n) for n in numbers))
    if far and numbers:
        names = _listed([str(tgid) for tgid in far])
        yield f"{len(far)} process(es) with a FUSE device serve other connections, not named by this kernel: {names}"
    exiting = {
        task.tgid: f"{task.comm} {task.tgid}"
        for task in view.detached
        if not any(view.related(task.tgid) or view.sees(task.tgid, number) for number in numbers)
        and not any(number in view.launched for number in numbers)
    }
    if exiting and numbers:
        names = _listed(list(exiting.values()))
        yield f"exiting processes elsewhere do not keep the device in the table that they close: {names}"


def _limits(now: Snapshot, numbers: list[int]) -> Iterator[str]:
    if now.request_timeout is not None and numbers:
        yield "the server has negotiated no request timeout, by which the kernel would end the wait (fs.fuse sets none)"
    locks = [task for task in now.live if kernel_names.awaits_fuse_lock(task.functions)]
    if locks:
        yield "who holds a lock of a FUSE file has a request in flight on the same mount"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
