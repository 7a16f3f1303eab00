"""Every reference to an open file that a task keeps: in a descriptor table, attached or not, or in its task work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness.model.memory import Holding, Reference
from harness.model.records import PF_EXITING
from harness.observe.memory.kernel import POINTER, FaultError, Reader, UnknownError
from harness.observe.memory.threads import Thread, Threads

_MOST_DESCRIPTORS = 1 << 24
_MOST_WORK = 1_000_000
_LOWEST = 1 << 63
"""Kernel addresses have the highest bit set."""


class Files:
    """References by the address of the `struct file`."""

    def __init__(self, reader: Reader, threads: Threads) -> None:
        """Raises UnknownError on a kernel whose tables are not what this walker knows."""
        self._reader = reader
        self._threads = threads
        offset = reader.offset
        self._fdt = offset("files_struct", "fdt")
        self._embedded = offset("files_struct", "fdtab.fd")
        self._array = offset("files_struct", "fd_array")
        self._users = offset("files_struct", "count")
        self._most = offset("fdtable", "max_fds")
        self._fd = offset("fdtable", "fd")
        self._next = offset("callback_head", "next")
        self._function = offset("callback_head", "func")
        # fput() queues the file by a member that has had several names; before v6.1 it lies in a union f_u.
        self._queued = offset("file", "f_task_work", "f_rcuhead", "f_u.fu_rcuhead")
        self._listed = offset("file", "f_llist", "f_u.fu_llist")
        self._private = offset("file", "private_data")
        self._last_put = reader.kernel.symbol("____fput")
        # f_count became f_ref with commit 90ee6ed776c0 ("fs: port files to file_ref") (in v6.13): what it counts is
        # one less than there are references (include/linux/file_ref.h, FILE_REF_ONEREF).
        self._one_less = reader.has("file", "f_ref.refcnt")
        self._count = offset("file", "f_ref.refcnt", "f_count")
        self.unread = 0
        """Tables that could not be read: they were changing, or their task is gone."""

    def references(self, threads: tuple[Thread, ...]) -> dict[int, list[Reference]]:
        """List all references of these threads, by the file's address."""
        found: dict[int, list[Reference]] = defaultdict(list)
        tables: dict[int, list[Thread]] = {}
        for thread in threads:
            if thread.files:
                tables.setdefault(thread.files, []).append(thread)
        for table, owners in tables.items():
            sharers = {each.tgid for each in owners} - {owners[0].tgid}
            self._add(found, Holding.TABLE, owners[0], table, tuple(sorted(sharers)))
        for thread in threads:
            for file in self._work(thread.work):
                found[file].append(Reference(Holding.TASK_WORK, thread.tid, thread.tgid))
            if thread.exiting or thread.state & _UNINTERRUPTIBLE:
                self._on_stack(found, thread)
        for file in self._delayed():
            found[file].append(Reference(Holding.KERNEL_WORK))
        return found

    def _add(
        self,
        found: dict[int, list[Reference]],
        holding: Holding,
        owner: Thread,
        table: int,
        sharers: tuple[int, ...] = (),
    ) -> None:
        try:
            for fd, file in self._open(table):
                found[file].append(Reference(holding, owner.tid, owner.tgid, fd, sharers))
        except FaultError:
            self.unread += 1

    def _open(self, table: int) -> Iterator[tuple[int, int]]:
        """(descriptor, address of the file) of each open file in a `struct files_struct`."""
        fdt = self._reader.u64(table + self._fdt)
        most = self._reader.u32(fdt + self._most)
        if most > _MOST_DESCRIPTORS:
            raise FaultError(f"the table at {table:#x} is none")
        array = self._reader.u64(fdt + self._fd)
        words = self._reader.words(array, most) if most else ()
        return ((fd, word) for fd, word in enumerate(words) if word)

    def _work(self, head: int) -> Iterator[int]:
        """The files whose last reference was given up and that the task has still to release (fput())."""
        at = head
        try:
            for _ in range(_MOST_WORK):
                if not at:
                    return
                if self._reader.u64(at + self._function) == self._last_put:
                    yield at - self._queued
                at = self._reader.u64(at + self._next)
        except FaultError:
            self.unread += 1

    def _delayed(self) -> Iterator[int]:
        """The files that a worker of the kernel is to release: given up by a task past its exit_task_work()."""
        try:
            at = self._reader.u64(self._reader.kernel.symbol("delayed_fput_list"))
            for _ in range(_MOST_WORK):
                if not at:
                    return
                yield at - self._listed
                at = self._reader.u64(at)
        except (FaultError, UnknownError):
            self.unread += 1

    def _on_stack(self, found: dict[int, list[Reference]], thread: Thread) -> None:
        """References that only this thread's stack leads to: a table that it has detached, and task work under way.

        put_files_struct() closes the files of a table that no task has any more, and keeps its address; task_work_run()
        has taken the list of works off the task, and keeps the rest of it while one runs.
        """
        try:
            words = set(self._threads.words_on_stack(thread))
        except FaultError:
            self.unread += 1
            return
        works: set[int] = set()
        for word in words:
            if word < _LOWEST or word % POINTER:
                continue
            if not thread.files and self._is_detached_table(word):
                self._add(found, Holding.DETACHED_TABLE, thread, word)
            elif self._is_work(word):
                works.update(self._work(word))
        for file in works:
            found[file].append(Reference(Holding.TASK_WORK, thread.tid, thread.tgid))

    def calls(self, file: int, threads: tuple[Thread, ...]) -> Iterator[Reference]:
        """Find calls that keep a file, by its address on the stacks of tasks that sleep and are not exiting.

        A call takes a reference of its own where the descriptor may be closed meanwhile (fdget(), fs/file.c); poll()
        keeps one for each descriptor.  What is found may be left over from an earlier call: then the task is named for
        nothing, but it is alive, and no proof is made without it.
        """
        marked = {file, file | 1}  # `struct fd` has flags in the lowest bits
        for thread in threads:
            if not thread.exit_state and not thread.flags & PF_EXITING:
                try:
                    if not marked.isdisjoint(self._threads.words_on_stack(thread)):
                        yield Reference(Holding.CALL, thread.tid, thread.tgid)
                except FaultError:
                    continue  # it runs, or is gone

    def _is_detached_table(self, address: int) -> bool:
        """A `struct files_struct`, whose own small table leads to its own small array, without users."""
        try:
            return (
                self._reader.u64(address + self._embedded) == address + self._array
                and self._reader.u32(address + self._users) == 0
            )
        except FaultError:
            return False

    def _is_work(self, address: int) -> bool:
        try:
            return self._reader.u64(address + self._function) == self._last_put
        except FaultError:
            return False

    def private(self, file: int) -> int:
        """Return `private_data` of the file at this address; raises FaultError."""
        return self._reader.u64(file + self._private)

    def count(self, file: int) -> int:
        """Return the number of references to the file at this address; raises FaultError.

        None is left of a file that waits for its release.
        """
        value = int.from_bytes(self._reader.kernel.read(file + self._count, 8), "little", signed=True)
        return max(0, value + 1 if self._one_less else value)


_UNINTERRUPTIBLE = 2  # TASK_UNINTERRUPTIBLE, include/linux/sched.h
