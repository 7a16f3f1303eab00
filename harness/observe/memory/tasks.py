"""Tasks out of kernel memory, as /proc would show them."""

from __future__ import annotations

from collections.abc import Callable

from harness.model.records import PF_KTHREAD, Task
from harness.observe.memory.kernel import FaultError, Reader
from harness.observe.memory.threads import Thread, Threads

_NS_PER_TICK = 10_000_000
"""A second has 100 ticks for user space, whatever the kernel's own are (USER_HZ)."""
_COMM = 16
_LETTERS = "RSDTtXZPI"  # task_state_array, fs/proc/array.c
_REPORTED = 0x7F  # TASK_REPORT, include/linux/sched.h
_IDLE = 0x402  # TASK_IDLE: TASK_UNINTERRUPTIBLE | TASK_NOLOAD
_SHOWN_AS_D = 0x1000 | 0x8000  # TASK_RTLOCK_WAIT, TASK_FROZEN
_UNINTERRUPTIBLE = 2
_DEEPEST = 32  # MAX_PID_NS_LEVEL, include/linux/pid_namespace.h

Stack = Callable[[Thread], "tuple[str, ...] | None"]
"""Kernel frames of a thread, innermost first; None if they cannot be read."""


def letter(state: int, exit_state: int) -> str:
    """Name a state as /proc does (__task_state_index(), include/linux/sched.h).  Pure."""
    if state & _IDLE == _IDLE:
        return "I"
    if state & _SHOWN_AS_D:
        state |= _UNINTERRUPTIBLE
    return _LETTERS[((state | exit_state) & _REPORTED).bit_length()]


class Tasks:
    """Reads what a `Task` has of a thread."""

    def __init__(self, reader: Reader, threads: Threads, stack: Stack) -> None:
        """Raises UnknownError on a kernel whose `task_struct` is not what this reader knows."""
        self._reader = reader
        self._threads = threads
        self._stack = stack
        offset = reader.offset
        self._comm = offset("task_struct", "comm")
        # `real_start_time` became `start_boottime` in v5.5.
        self._start = offset("task_struct", "start_boottime", "real_start_time")
        self._switches = (offset("task_struct", "nvcsw"), offset("task_struct", "nivcsw"))
        self._pending = offset("task_struct", "pending.signal")
        self._signal = offset("task_struct", "signal")
        self._shared_pending = offset("signal_struct", "shared_pending.signal")
        self._count = offset("signal_struct", "nr_threads")
        self._real_parent = offset("task_struct", "real_parent")
        self._parent = offset("task_struct", "parent")
        self._ptrace = offset("task_struct", "ptrace")
        self._pid = offset("task_struct", "thread_pid")
        self._level = offset("pid", "level")
        self._numbers = offset("pid", "numbers")
        self._number_size = reader.kernel.size("upid")
        self._number = offset("upid", "nr")
        self._number_ns = offset("upid", "ns")
        self._inum = offset("pid_namespace", "ns.inum")
        self._fdt = offset("files_struct", "fdt")
        self._slots = offset("fdtable", "max_fds")

    def user_threads(self) -> tuple[Thread, ...]:
        """Return all threads but those of the kernel."""
        return tuple(each for each in self._threads.all() if not each.flags & PF_KTHREAD)

    def read(self, thread: Thread, with_stack: bool = True) -> Task:
        """Read one; raises FaultError.  `with_stack`: unwinding takes some milliseconds."""
        read, at = self._reader, thread.address
        signal = read.u64(at + self._signal)
        numbers, namespace = self._pids(read.u64(at + self._pid))
        parent = self._threads.at(read.u64(at + self._real_parent))
        traced = read.u32(at + self._ptrace) != 0
        state = letter(thread.state, thread.exit_state)
        return Task(
            tid=thread.tid,
            tgid=thread.tgid,
            ppid=parent.tgid,
            comm=read.text(at + self._comm, _COMM),
            state=state,
            flags=thread.flags,
            threads=read.u32(signal + self._count),
            start_time=read.u64(at + self._start) // _NS_PER_TICK,
            pid_ns=namespace,
            ns_tids=numbers,
            pending=read.u64(at + self._pending),
            shared_pending=read.u64(signal + self._shared_pending),
            tracer=self._threads.number(read.u64(at + self._parent)) if traced else 0,
            fd_slots=self._slots_of(thread.files),
            switches=sum(read.u64(at + each) for each in self._switches),
            stack=self._stack(thread) if with_stack and state not in "ZX" else None,
        )

    def _pids(self, pid: int) -> tuple[tuple[int, ...], int | None]:
        """Its number in each PID namespace, outermost first, and the inode of the innermost; of one that was reaped,
        nothing is left."""
        if not pid:
            return (), None
        level = self._reader.u32(pid + self._level)
        if level > _DEEPEST:
            raise FaultError(f"the struct pid at {pid:#x} is none")
        places = [pid + self._numbers + each * self._number_size for each in range(level + 1)]
        numbers = tuple(self._reader.u32(place + self._number) for place in places)
        namespace = self._reader.u64(places[-1] + self._number_ns)
        return numbers, self._reader.u32(namespace + self._inum)

    def _slots_of(self, files: int) -> int:
        return self._reader.u32(self._reader.u64(files + self._fdt) + self._slots) if files else 0
