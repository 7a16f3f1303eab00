"""The requests that a FUSE server has not answered, out of the kernel's memory: what no file of /proc tells.

Takes drgn (`fusezap[drgn]`), /proc/kcore, and the debug information of the kernel and of its module fuse.  The reading
is done in a child: it takes seconds, and the memory that it takes is gone with it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from harness.diagnosis.abandon import end
from harness.diagnosis.records import Request

if TYPE_CHECKING:
    from drgn import Object, Program

KCORE = "/proc/kcore"
DEADLINE_S = 120.0
_BEAT_S = 1.0
INODES = 500_000
"""Of one filesystem, among which the file of a request is looked for."""
_HASHES = 256  # FUSE_PQ_HASH_SIZE, fs/fuse/fuse_i.h

Beat = Callable[[str], None]
Answer = tuple[tuple[Request, ...], str]
"""The requests, and why there are none to be seen (empty where they are)."""


def ask(connections: frozenset[int], folder: Path | None, beat: Beat) -> Answer:
    """`folder`: where debug information lies, beside the system's own places.  Nothing where drgn is not there."""
    if importlib.util.find_spec("drgn") is None:
        return (), ""
    if not os.access(KCORE, os.R_OK):
        return (), f"the requests themselves, which drgn could show: {KCORE} cannot be read"
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            with open(writer, "w", encoding="ascii") as stream:
                json.dump(_answer(connections, folder), stream)
        finally:
            os._exit(0)
    os.close(writer)
    try:
        data = _received(reader, beat)
    finally:
        os.close(reader)
        end(pid)
    if not data:
        return (), "the requests themselves: drgn gave no answer"
    found, why = json.loads(data)
    return tuple(Request(**each) for each in found), why


def _received(reader: int, beat: Beat) -> bytes:
    """All that the child writes; nothing, when it takes too long."""
    data = b""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        beat("reads the requests in the kernel's memory, by drgn")
        if select.select([reader], [], [], _BEAT_S)[0]:
            chunk = os.read(reader, 65536)
            if not chunk:
                return data
            data += chunk
    return b""


def _answer(connections: frozenset[int], folder: Path | None) -> tuple[list[dict[str, object]], str]:
    """In the child."""
    import drgn

    try:
        return [asdict(each) for each in _requests(_program(folder), connections)], ""
    except (OSError, ValueError, LookupError, AttributeError, drgn.FaultError, drgn.MissingDebugInfoError) as error:
        text = str(error).partition("\n")[0]
        return [], f"the requests themselves, which drgn could show: {text}"


def _program(folder: Path | None) -> Program:
    """The running kernel, with the debug information of itself and of its module fuse; LookupError without."""
    import logging

    import drgn

    program = drgn.Program()
    program.set_kernel()
    if folder is not None:
        options = program.debug_info_options
        options.directories = (str(folder), *options.directories)
    logging.getLogger("drgn").disabled = True  # its warnings are in the answer
    for wanted in (drgn.MainModule, drgn.RelocatableModule):
        program.create_loaded_modules()  # which modules there are is known by the debug information of the kernel
        modules = [each for each in program.modules() if isinstance(each, wanted) and each.name in ("kernel", "fuse")]
        program.load_module_debug_info(*modules)
        missing = [each.name for each in modules if each.wants_debug_file()]
        if missing:
            release = os.uname().release
            raise LookupError(
                f"no debug information of {missing[0]} {release} (Debian: linux-image-{release}-dbg; or --debug-info)"
            )
    return program


def _requests(program: Program, connections: frozenset[int]) -> Iterator[Request]:
    from drgn.helpers.linux.list import list_for_each_entry

    opcodes = {int(value): name for name, value, *_ in program.type("enum fuse_opcode").enumerators or ()}
    for connection in list_for_each_entry("struct fuse_conn", program["fuse_conn_list"].address_of_(), "entry"):
        number = int(connection.dev)
        if number in connections:
            waiting = list(_waiting(connection))
            names = _names(connection, {int(request.member_("in").h.nodeid) for _, request in waiting})
            for state, request in waiting:
                header = request.member_("in").h
                yield Request(
                    connection=number,
                    unique=int(header.unique),
                    opcode=opcodes.get(int(header.opcode), str(int(header.opcode))),
                    node=int(header.nodeid),
                    path=names.get(int(header.nodeid)),
                    state=state,
                    tid=_waiter(request),
                )


def _waiting(connection: Object) -> Iterator[tuple[str, Object]]:
    """(state, struct fuse_req *) of every request that has no answer yet."""
    from drgn.helpers.linux.list import list_for_each_entry

    def each(state: str, head: Object) -> Iterator[tuple[str, Object]]:
        for request in list_for_each_entry("struct fuse_req", head.address_of_(), "list"):
            yield state, request

    yield from each("not read by any server", connection.iq.pending)
    yield from each("held back, in the background", connection.bg_queue)
    for device in list_for_each_entry("struct fuse_dev", connection.devices.address_of_(), "entry"):
        yield from each("being copied to a server or from it", device.pq.io)
        if device.pq.processing:
            for place in range(_HASHES):
                yield from each("read by a server", device.pq.processing[place])


def _waiter(request: Object) -> int | None:
    """Of the task that sleeps in request_wait_answer() for it; None of one in the background."""
    from drgn.helpers.linux.wait import waitqueue_for_each_task

    return next((int(task.pid) for task in waitqueue_for_each_task(request.waitq.address_of_())), None)


def _names(connection: Object, nodes: set[int]) -> dict[int, str]:
    """Paths below the mount, by node; of those that the kernel still has in memory, which it has of open files."""
    from drgn import container_of
    from drgn.helpers.linux.fs import inode_path
    from drgn.helpers.linux.list import list_for_each_entry

    found: dict[int, str] = {}
    for mount in list_for_each_entry("struct fuse_mount", connection.mounts.address_of_(), "fc_entry"):
        inodes = list_for_each_entry("struct inode", mount.sb.s_inodes.address_of_(), "i_sb_list")
        for inode in islice(inodes, INODES):
            node = int(container_of(inode, "struct fuse_inode", "inode").nodeid)
            if node in nodes - found.keys():
                path = inode_path(inode)
                if path is not None:
                    found[node] = "/" + os.fsdecode(path).lstrip("/")
    return found
