"""A kernel made for a test: its memory is a table of pages, its structs have a member every 64 bytes."""

from __future__ import annotations

from collections.abc import Iterable

from harness.observe.memory.kernel import FaultError, UnknownError

BASE = 0xFFFF_8880_0000_0000
PAGE = 4096
_APART = 64
STACK = 16384
FPUT = 0xFFFF_FFFF_8100_0000
FIQ_OPS = 0xFFFF_FFFF_8200_0000

OLD = frozenset(
    {
        ("fuse_conn", "chan"),
        ("fuse_conn", "ring"),
        ("fuse_conn", "timeout.req_timeout"),
        ("file", "f_task_work"),
        ("file", "f_ref.refcnt"),
    }
)
"""Types that a kernel like 6.1 lacks."""
NEW = frozenset({("file", "f_count"), ("file", "f_rcuhead"), ("task_struct", "state"), ("fuse_conn", "devices")})
"""Types that one like 7.2 lacks: its queues lie in a `struct fuse_chan`."""


class MadeKernel:
    """A `Kernel` (harness/observe/memory/kernel.py)."""

    source = "a test"

    def __init__(self, absent: Iterable[tuple[str, str]] = OLD) -> None:
        self._absent = frozenset(absent)
        self._members: dict[str, dict[str, int]] = {}
        self._pages: dict[int, bytearray] = {}
        self._next = BASE
        self.symbols: dict[str, int] = {"____fput": FPUT, "fuse_dev_fiq_ops": FIQ_OPS}

    def read(self, address: int, size: int) -> bytes:
        found = b""
        while len(found) < size:
            at = address + len(found)
            page = self._pages.get(at // PAGE)
            if page is None:
                raise FaultError(f"{at:#x}")
            found += bytes(page[at % PAGE : at % PAGE + size - len(found)])
        return found

    def symbol(self, name: str) -> int:
        try:
            return self.symbols[name]
        except KeyError:
            raise UnknownError(name) from None

    def size(self, name: str) -> int:
        del name
        return PAGE

    def offset(self, name: str, path: str) -> int:
        if (name, path) in self._absent:
            raise UnknownError(f"{name} {path}")
        members = self._members.setdefault(name, {})
        return members.setdefault(path, _APART * len(members))

    def enumerators(self, name: str) -> dict[str, int]:
        assert name == "fuse_opcode"
        return {"FUSE_FLUSH": 25}

    def make(self, size: int = 2 * PAGE) -> int:
        """Map fresh memory of zeros; return its address."""
        address = self._next
        self._next += (size + PAGE - 1) // PAGE * PAGE + PAGE
        for number in range(address // PAGE, (address + size - 1) // PAGE + 1):
            self._pages[number] = bytearray(PAGE)
        return address

    def put(self, address: int, value: int, size: int = 8) -> None:
        for place, byte in enumerate((value & (1 << 8 * size) - 1).to_bytes(size, "little")):
            self._pages[(address + place) // PAGE][(address + place) % PAGE] = byte

    def set(self, address: int, name: str, path: str, value: int, size: int = 8) -> None:
        self.put(address + self.offset(name, path), value, size)

    def link(self, head: int, entries: Iterable[int]) -> None:
        """Make a `struct list_head` of these entries."""
        ring = [head, *entries]
        for place, address in enumerate(ring):
            self.put(address, ring[(place + 1) % len(ring)])


class Machine:
    """Tasks, open files and one FUSE connection in a made kernel."""

    def __init__(self, absent: Iterable[tuple[str, str]] = OLD) -> None:
        self.kernel = kernel = MadeKernel(absent)
        self._new = ("fuse_conn", "chan") not in kernel._absent
        self._owner = "fuse_chan" if self._new else "fuse_conn"
        self._leaders: list[int] = []
        self._devices: list[int] = []
        self._pending: list[int] = []
        kernel.symbols.update(
            init_task=kernel.make(), init_stack=BASE, __end_init_task=BASE + STACK, fuse_conn_list=kernel.make()
        )
        kernel.symbols["delayed_fput_list"] = kernel.make()
        self.connection = kernel.make()
        self.owner = kernel.make() if self._new else self.connection
        if self._new:
            kernel.set(self.connection, "fuse_conn", "chan", self.owner)
        kernel.set(self.connection, "fuse_conn", "dev", 34, 4)
        kernel.set(self.owner, self._owner, "connected", 1, 4)
        kernel.set(self.owner, self._owner, "iq.ops", FIQ_OPS)
        kernel.link(kernel.symbol("fuse_conn_list"), [self.connection + kernel.offset("fuse_conn", "entry")])
        for path in ("iq.pending", "bg_queue", "devices"):
            kernel.link(self.owner + kernel.offset(self._owner, path), [])
        blocked = kernel.offset(self._owner, "blocked_waitq") + kernel.offset("wait_queue_head", "head")
        kernel.link(self.owner + blocked, [])
        self._relink()

    def device(self) -> int:
        """Add a device to the connection: the address of its `struct fuse_dev`."""
        device = self.kernel.make()
        self.kernel.link(device + self.kernel.offset("fuse_dev", "pq") + self.kernel.offset("fuse_pqueue", "io"), [])
        self._devices.append(device)
        self._relink()
        return device

    def file(self, device: int, count: int) -> int:
        """Open a device; `count` references are said to be there."""
        file = self.kernel.make()
        self.kernel.set(file, "file", "private_data", device)
        if ("file", "f_count") in self.kernel._absent:
            self.kernel.set(file, "file", "f_ref.refcnt", count - 1 if count else -(1 << 61))
        else:
            self.kernel.set(file, "file", "f_count", count)
        return file

    def table(self, files: dict[int, int], users: int = 1) -> int:
        """Make a descriptor table."""
        kernel = self.kernel
        table, fdt, array = kernel.make(), kernel.make(), kernel.make()
        kernel.set(table, "files_struct", "fdt", fdt)
        kernel.set(fdt, "fdtable", "max_fds", 64, 4)
        kernel.set(fdt, "fdtable", "fd", array)
        kernel.set(table, "files_struct", "fdtab.fd", table + kernel.offset("files_struct", "fd_array"))
        kernel.set(table, "files_struct", "count", users, 4)
        for fd, file in files.items():
            kernel.put(array + 8 * fd, file)
        return table

    def task(self, tid: int, files: int = 0, flags: int = 0, state: int = 1, stack: Iterable[int] = ()) -> int:
        """Add a process with one thread; `stack`: words that its kernel stack holds."""
        kernel = self.kernel
        task, signal, stack_at = kernel.make(), kernel.make(), kernel.make(STACK)
        for path, value, size in (
            ("pid", tid, 4),
            ("tgid", tid, 4),
            ("flags", flags, 4),
            ("__state", state, 4),
            ("files", files, 8),
            ("signal", signal, 8),
            ("stack", stack_at, 8),
            ("thread.sp", stack_at + STACK - 1024, 8),
        ):
            kernel.set(task, "task_struct", path, value, size)
        for place, word in enumerate(stack):
            kernel.put(stack_at + STACK - 1024 + 8 * place, word)
        kernel.link(
            signal + kernel.offset("signal_struct", "thread_head"),
            [task + kernel.offset("task_struct", "thread_node")],
        )
        self._leaders.append(task)
        self._relink()
        return task

    def work(self, files: Iterable[int]) -> int:
        """Make a list of task work that releases these files; return its head."""
        kernel = self.kernel
        queued = "f_task_work" if ("file", "f_rcuhead") in kernel._absent else "f_rcuhead"
        head = 0
        for file in reversed(list(files)):
            node = file + kernel.offset("file", queued)
            kernel.set(node, "callback_head", "func", FPUT)
            kernel.set(node, "callback_head", "next", head)
            head = node
        return head

    def request(self, unique: int, waiter: int | None) -> int:
        """Add a FLUSH that no server has read; `waiter`: the address of the task that waits for it."""
        kernel = self.kernel
        request = kernel.make()
        header = request + kernel.offset("fuse_req", "in.h")
        kernel.put(header + 4, 25, 4)
        kernel.put(header + 8, unique)
        kernel.put(header + 16, 2)
        waiting = []
        if waiter is not None:
            entry = kernel.make()
            kernel.set(entry, "wait_queue_entry", "private", waiter)
            waiting = [entry + kernel.offset("wait_queue_entry", "entry")]
        queue = kernel.offset("fuse_req", "waitq") + kernel.offset("wait_queue_head", "head")
        kernel.link(request + queue, waiting)
        self._pending.append(request)
        self._relink()
        return request

    def _relink(self) -> None:
        kernel = self.kernel
        tasks = kernel.offset("task_struct", "tasks")
        kernel.link(kernel.symbol("init_task") + tasks, [each + tasks for each in self._leaders])
        entry = kernel.offset("fuse_dev", "entry")
        kernel.link(self.owner + kernel.offset(self._owner, "devices"), [each + entry for each in self._devices])
        listed = kernel.offset("fuse_req", "list")
        kernel.link(self.owner + kernel.offset(self._owner, "iq.pending"), [each + listed for each in self._pending])
