"""FUSE connections in kernel memory: their devices, and the requests that have no answer yet."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.memory import PendingRequest
from harness.observe.memory.kernel import POINTER, FaultError, Reader, UnknownError
from harness.observe.memory.paths import Paths
from harness.observe.memory.threads import Threads
from harness.record import record, replace

_HASHES = 256  # FUSE_PQ_HASH_SIZE, fs/fuse/dev.c
_LIST_HEAD = 16
_MOST_REQUESTS = 100_000


@record(frozen=True, slots=True)
class FoundConnection:
    """A `struct fuse_conn`, as its own lists have it."""

    number: int
    connected: bool
    waiting: int
    virtiofs: bool
    devices: tuple[int, ...]
    """Addresses of its `struct fuse_dev`: one for every open device."""
    requests: tuple[PendingRequest, ...]
    blocked: tuple[int, ...]
    """Tasks that wait until they may send a request: before INIT is answered, or while too many are under way."""
    timeout_s: float | None


class Connections:
    """Walks the FUSE connections of a kernel."""

    def __init__(self, reader: Reader, threads: Threads) -> None:
        """Raises UnknownError on a kernel whose FUSE is not what this walker knows."""
        self._reader = reader
        self._threads = threads
        offset = reader.offset
        # Up to 7.1 the queues lie in the connection itself, later in a `struct fuse_chan` that it leads to.
        self._channel = offset("fuse_conn", "chan") if reader.has("fuse_conn", "chan") else None
        self._owner = "fuse_conn" if self._channel is None else "fuse_chan"
        self._entry = offset("fuse_conn", "entry")
        self._number = offset("fuse_conn", "dev")
        self._devices = offset(self._owner, "devices")
        self._device_entry = offset("fuse_dev", "entry")
        self._header = offset("fuse_req", "in.h")
        self._waitq = offset("fuse_req", "waitq") + offset("wait_queue_head", "head")
        self._blocked = offset(self._owner, "blocked_waitq") + offset("wait_queue_head", "head")
        self._wait_entry = offset("wait_queue_entry", "entry")
        self._wait_task = offset("wait_queue_entry", "private")
        self._opcodes = self._known_opcodes()

    def _known_opcodes(self) -> dict[int, str]:
        try:
            return {value: name for name, value in self._reader.kernel.enumerators("fuse_opcode").items()}
        except UnknownError:
            return {}

    def all(self) -> Iterator[FoundConnection]:
        """Yield every connection; none where fuse is not loaded.  Raises FaultError."""
        try:
            head = self._reader.kernel.symbol("fuse_conn_list")
        except UnknownError:
            return
        for connection in self._reader.entries(head, self._entry):
            yield self._read(connection)

    def _read(self, connection: int) -> FoundConnection:
        owner = connection if self._channel is None else self._reader.u64(connection + self._channel)
        at = self._reader.offset
        devices = tuple(self._reader.entries(owner + self._devices, self._device_entry))
        requests = {each.unique: each for each in self._requests(owner, devices)}
        paths = self._paths_of(connection, {each.node for each in requests.values()})
        return FoundConnection(
            number=self._reader.u32(connection + self._number),
            connected=self._reader.u32(owner + at(self._owner, "connected")) & 0xFF != 0,
            waiting=self._reader.u32(owner + at(self._owner, "num_waiting")),
            virtiofs=self._is_virtiofs(owner),
            devices=devices,
            requests=tuple(replace(each, path=paths.get(each.node)) for each in requests.values()),
            blocked=tuple(self._waiters(owner + self._blocked)),
            timeout_s=self._timeout(owner),
        )

    def _paths_of(self, connection: int, nodes: set[int]) -> dict[int, str]:
        """Empty where they cannot be read: no proof rests on them."""
        if not nodes:
            return {}
        try:
            return Paths(self._reader).of(connection, nodes)
        except (FaultError, UnknownError):
            return {}

    def _is_virtiofs(self, owner: int) -> bool:
        """Its input queue has other operations than that of a device (fuse_dev_fiq_ops, fs/fuse/dev.c).

        `iq.ops` came with virtiofs, in v5.4.
        """
        if not self._reader.has(self._owner, "iq.ops"):
            return False
        try:
            own = self._reader.kernel.symbol("fuse_dev_fiq_ops")
        except UnknownError:
            return False
        return self._reader.u64(owner + self._reader.offset(self._owner, "iq.ops")) != own

    def _timeout(self, owner: int) -> float | None:
        """The limit that the server agreed to (FUSE_REQUEST_TIMEOUT, in v6.15), by the interval of its check.

        `timeout.req_timeout` is in jiffies, whose length is unknown here; that there is one is what counts.
        """
        if not self._reader.has(self._owner, "timeout.req_timeout"):
            return None
        jiffies = self._reader.u32(owner + self._reader.offset(self._owner, "timeout.req_timeout"))
        return float(jiffies) if jiffies else None

    def _requests(self, owner: int, devices: tuple[int, ...]) -> Iterator[PendingRequest]:
        at = self._reader.offset
        yield from self._listed("not read by any server", owner + at(self._owner, "iq.pending"))
        yield from self._listed("held back, in the background", owner + at(self._owner, "bg_queue"))
        for device in devices:
            yield from self._processing(device + at("fuse_dev", "pq"))
        if self._reader.has(self._owner, "ring"):
            ring = self._reader.u64(owner + at(self._owner, "ring"))
            if ring:
                yield from self._in_ring(ring)

    def _processing(self, queue: int) -> Iterator[PendingRequest]:
        """The requests of one device, or of one queue of a ring."""
        at = self._reader.offset
        yield from self._listed("being copied to a server or from it", queue + at("fuse_pqueue", "io"))
        table = self._reader.u64(queue + at("fuse_pqueue", "processing"))
        if table:
            heads = self._reader.words(table, _HASHES * _LIST_HEAD // POINTER)
            for number in range(_HASHES):
                head = table + number * _LIST_HEAD
                if heads[2 * number] != head:
                    yield from self._listed("read by a server", head)

    def _in_ring(self, ring: int) -> Iterator[PendingRequest]:
        """The requests of a server that takes them by io_uring (in v6.14)."""
        at = self._reader.offset
        queues = self._reader.u64(ring + at("fuse_ring", "queues"))
        for queue in self._reader.words(queues, self._reader.u32(ring + at("fuse_ring", "nr_queues"))):
            if queue:
                yield from self._listed("not read by any server", queue + at("fuse_ring_queue", "fuse_req_queue"))
                yield from self._listed(
                    "held back, in the background", queue + at("fuse_ring_queue", "fuse_req_bg_queue")
                )
                yield from self._processing(queue + at("fuse_ring_queue", "fpq"))

    def _listed(self, state: str, head: int) -> Iterator[PendingRequest]:
        for count, request in enumerate(self._reader.entries(head, self._reader.offset("fuse_req", "list"))):
            if count >= _MOST_REQUESTS:
                raise FaultError(f"more than {_MOST_REQUESTS} requests in one list")
            # struct fuse_in_header, include/uapi/linux/fuse.h: len, opcode, unique, nodeid
            header = self._reader.kernel.read(request + self._header, 24)
            opcode = int.from_bytes(header[4:8], "little")
            yield PendingRequest(
                unique=int.from_bytes(header[8:16], "little"),
                opcode=self._opcodes.get(opcode, str(opcode)),
                node=int.from_bytes(header[16:24], "little"),
                state=state,
                tid=next(self._waiters(request + self._waitq), None),
            )

    def _waiters(self, head: int) -> Iterator[int]:
        """Tasks that sleep in a wait queue, by the address of its list."""
        for entry in self._reader.entries(head, self._wait_entry):
            yield self._threads.number(self._reader.u64(entry + self._wait_task))
