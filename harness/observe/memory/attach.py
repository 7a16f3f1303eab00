"""A snapshot of /proc together with an account of kernel memory of the same moment."""

from __future__ import annotations

from typing import Protocol

from harness.model import kernel_names
from harness.model.memory import Holding, KernelMemory
from harness.model.records import Snapshot
from harness.record import replace


class MemorySource(Protocol):
    """Kernel memory, as `helper.py` reads it."""

    failure: str
    """Why it cannot be read; empty where it can, or where nobody asked yet."""

    def account(self) -> KernelMemory | None:
        """Return an account of this moment; None where there is none."""


def with_memory(snapshot: Snapshot, memory: MemorySource) -> Snapshot:
    """Add an account of this moment where a task of the snapshot waits for FUSE: elsewhere it tells nothing."""
    if not any(kernel_names.awaits_fuse(task.functions) for task in snapshot.live):
        return snapshot
    return attached(snapshot, memory.account(), memory.failure)


def attached(snapshot: Snapshot, memory: KernelMemory | None, failure: str = "") -> Snapshot:
    """Add the account, and what it says of the devices whose connection /proc does not name.  Pure.

    Args:
        snapshot: What /proc shows.
        memory: The account; None where there is none.
        failure: Why there is none.
    """
    if memory is None:
        return replace(snapshot, without_memory=failure)
    served = {
        (tgid, each.fd): connection.number
        for connection in memory.connections
        for device in connection.devices
        for each in device.references
        for tgid in (each.tgid, *each.sharers)
        if each.holding is Holding.TABLE
    }
    devices = tuple(
        replace(each, connection=served.get((each.tgid, each.fd))) if each.connection is None else each
        for each in snapshot.devices
    )
    return replace(snapshot, devices=devices, names_connections=True, memory=memory)
