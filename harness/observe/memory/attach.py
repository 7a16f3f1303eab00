"""A snapshot of /proc together with an account of kernel memory of the same moment.  Pure."""

from __future__ import annotations

from harness.model.memory import Holding, KernelMemory
from harness.model.records import Snapshot
from harness.record import replace


def attached(snapshot: Snapshot, memory: KernelMemory | None) -> Snapshot:
    """Add the account, and what it says of the devices whose connection /proc does not name."""
    if memory is None:
        return snapshot
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
