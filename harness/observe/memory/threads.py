"""Every thread of the kernel's own list, with what keeps open files: its descriptor table and its task work."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.records import PF_EXITING
from harness.observe.memory.kernel import FaultError, Reader, UnknownError
from harness.record import record


@record(frozen=True, slots=True)
class Thread:
    """A `struct task_struct`."""

    address: int
    tid: int
    tgid: int
    flags: int
    state: int
    """`__state`: 0 of one that runs, or may."""
    exit_state: int
    files: int
    """Address of its descriptor table; 0 once exit_files() has detached it."""
    work: int
    """Head of its `task_works`."""

    @property
    def exiting(self) -> bool:
        return bool(self.flags & PF_EXITING) and not self.exit_state


class Threads:
    """Walks the tasks of a kernel."""

    def __init__(self, reader: Reader) -> None:
        """Raises UnknownError on a kernel whose `task_struct` is not what this walker knows."""
        self._reader = reader
        offset = reader.offset
        self._tasks = offset("task_struct", "tasks")
        self._node = offset("task_struct", "thread_node")
        self._signal = offset("task_struct", "signal")
        self._head = offset("signal_struct", "thread_head")
        # `state` became `__state` with commit 2f064a59a11f ("sched: Change task_struct::state") (in v5.14).
        self._fields = {
            "tid": (offset("task_struct", "pid"), 4),
            "tgid": (offset("task_struct", "tgid"), 4),
            "flags": (offset("task_struct", "flags"), 4),
            "state": (offset("task_struct", "__state", "state"), 4),
            "exit_state": (offset("task_struct", "exit_state"), 4),
            "files": (offset("task_struct", "files"), 8),
            "work": (offset("task_struct", "task_works"), 8),
        }
        places = [place for place, _ in self._fields.values()]
        self._from = min(places)
        self._size = max(places) + 8 - self._from
        self.stack = offset("task_struct", "stack")
        self.stack_size = _stack_size(reader)
        # Where a task that sleeps has left its stack: thread.sp of x86-64, thread.cpu_context.sp of arm64.
        self.stack_pointer = offset("task_struct", "thread.sp", "thread.cpu_context.sp")

    def all(self) -> Iterator[Thread]:
        """Yield every thread, those of the kernel too; the idle ones are left out.

        Threads that appear or vanish meanwhile may be missed: who proves something by this list counts references.
        """
        head = self._reader.kernel.symbol("init_task") + self._tasks
        for leader in self._reader.entries(head, self._tasks):
            try:
                yield from self._group(leader)
            except FaultError:
                continue  # the group is gone

    def _group(self, leader: int) -> Iterator[Thread]:
        signal = self._reader.u64(leader + self._signal)
        for address in self._reader.entries(signal + self._head, self._node):
            yield self.at(address)

    def at(self, address: int) -> Thread:
        """Read one thread; raises FaultError."""
        data = self._reader.kernel.read(address + self._from, self._size)
        values = {
            name: int.from_bytes(data[place - self._from : place - self._from + size], "little")
            for name, (place, size) in self._fields.items()
        }
        return Thread(address, **values)

    def number(self, address: int) -> int:
        """Return the tid of the `struct task_struct` at `address`; raises FaultError."""
        return self._reader.u32(address + self._fields["tid"][0])

    def words_on_stack(self, thread: Thread) -> tuple[int, ...]:
        """Return what a sleeping thread has on its kernel stack, as pointers; nothing of one that runs."""
        if thread.state == 0:
            return ()
        start = self._reader.u64(thread.address + self.stack)
        pointer = self._reader.u64(thread.address + self.stack_pointer)
        end = start + self.stack_size
        return self._reader.words(pointer, (end - pointer) // 8) if start <= pointer < end else ()


def _stack_size(reader: Reader) -> int:
    """THREAD_SIZE, by the first task's stack, which the linker lays out (include/asm-generic/vmlinux.lds.h).

    `__end_init_task` became `__end_init_stack` in v6.10.
    """
    symbol = reader.kernel.symbol
    try:
        return symbol("__end_init_stack") - symbol("init_stack")
    except UnknownError:
        return symbol("__end_init_task") - symbol("init_stack")
