"""The account of every reference to every FUSE device, and of every request without an answer."""

from __future__ import annotations

from harness.model.memory import KernelMemory, OpenDevice, Reference, ServedConnection
from harness.observe.memory.connections import Connections, FoundConnection
from harness.observe.memory.files import Files
from harness.observe.memory.kernel import FaultError, Kernel, Reader, UnknownError
from harness.observe.memory.threads import Thread, Threads


def take_account(kernel: Kernel) -> KernelMemory:
    """Read the devices, their references, and then the counters of these references.

    The order is what makes the account of a running kernel a proof.  A reference that a dead task keeps stays, for that
    task does not run.  The counter is read last: where it equals the number of references found with the dead, there
    was none with anybody else at that moment, and a new one can only be made from one that there is.

    Raises:
        FaultError: The memory cannot be read (a truncated dump, or lists that change too fast).
        UnknownError: The kernel is not what the walkers know.
    """
    try:
        kernel.symbol("fuse_conn_list")
    except UnknownError:
        return KernelMemory(kernel.source)  # the module fuse is not loaded
    reader = Reader(kernel)
    threads = Threads(reader)
    files = Files(reader, threads)
    connections = tuple(Connections(reader, threads).all())
    wanted = {device for each in connections if not each.virtiofs for device in each.devices}
    opened: dict[int, list[OpenDevice]] = {}
    everybody = tuple(threads.all()) if wanted else ()
    if wanted:
        for file, references in files.references(everybody).items():
            try:
                device = files.private(file)
            except FaultError:
                continue  # it was closed meanwhile
            if device in wanted:
                opened.setdefault(device, []).append(_counted(file, tuple(references), files, everybody))
    return KernelMemory(kernel.source, tuple(_served(each, opened) for each in connections))


def _counted(file: int, references: tuple[Reference, ...], files: Files, threads: tuple[Thread, ...]) -> OpenDevice:
    found = OpenDevice(references, files.count(file))
    if found.accounted or found.count <= len(references):
        return found
    calls = tuple(files.calls(file, threads))
    return OpenDevice((*references, *calls), files.count(file))


def _served(found: FoundConnection, opened: dict[int, list[OpenDevice]]) -> ServedConnection:
    here = () if found.virtiofs else found.devices
    return ServedConnection(
        number=found.number,
        connected=found.connected,
        waiting=found.waiting,
        devices=tuple(each for device in here for each in opened.get(device, ())),
        hidden=sum(device not in opened for device in here),
        requests=found.requests,
        blocked=found.blocked,
        limited=found.timeout_s is not None,
        virtiofs=found.virtiofs,
    )
