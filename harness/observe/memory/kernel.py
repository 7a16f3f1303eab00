"""The interface of the memory walkers to a kernel: bytes at addresses, addresses of symbols, offsets of members.

Members are probed, versions are never compared: a walker names the alternatives, and the kernel's own type
information decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

POINTER = 8
"""Bytes.  x86-64 and arm64, both little-endian."""
LONGEST_LIST = 1_000_000
"""Entries.  A list that changes while it is read may lead anywhere: it ends here."""
TYPES = (
    *("task_struct", "signal_struct", "files_struct", "fdtable", "file", "callback_head"),
    *("wait_queue_head", "wait_queue_entry"),
    *("fuse_mount", "fuse_inode", "super_block", "inode", "dentry"),
    *("fuse_conn", "fuse_chan", "fuse_dev", "fuse_pqueue", "fuse_req", "fuse_ring", "fuse_ring_queue", "fuse_opcode"),
)
"""Types that the walkers ask for; not every kernel has all of them."""
SYMBOLS = (
    *("init_task", "init_stack", "__end_init_stack", "__end_init_task"),
    *("fuse_conn_list", "fuse_dev_fiq_ops", "____fput", "delayed_fput_list"),
)
"""Symbols that the walkers ask for; the same."""


class FaultError(Exception):
    """This address cannot be read."""


class UnknownError(LookupError):
    """The kernel has no such symbol, type or member."""


class UnavailableError(Exception):
    """Why a kernel's memory cannot be read at all, in words for a person."""


class Kernel(Protocol):
    """A kernel whose memory and types can be read."""

    source: str
    """A description in words, part of the evidence."""

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes of virtual memory; raises FaultError."""

    def symbol(self, name: str) -> int:
        """Return the address of a variable or function; raises UnknownError."""

    def size(self, name: str) -> int:
        """Return the bytes of a struct or union; raises UnknownError."""

    def offset(self, name: str, path: str) -> int:
        """Return the offset in bytes of a member of a struct or union, `in.h.opcode`; raises UnknownError."""

    def enumerators(self, name: str) -> dict[str, int]:
        """Return the values of an enumeration; raises UnknownError."""


class Reader:
    """Reads numbers, strings and lists out of a kernel's memory."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._offsets: dict[tuple[str, tuple[str, ...]], int] = {}

    def offset(self, name: str, *paths: str) -> int:
        """Return the offset of the first of these members that the struct has; raises UnknownError."""
        key = (name, paths)
        if key not in self._offsets:
            self._offsets[key] = self._probe(name, paths)
        return self._offsets[key]

    def _probe(self, name: str, paths: tuple[str, ...]) -> int:
        for path in paths:
            try:
                return self.kernel.offset(name, path)
            except UnknownError:
                continue
        raise UnknownError(f"struct {name} has no member {' or '.join(paths)}")

    def has(self, name: str, path: str) -> bool:
        """Return whether the struct exists and has this member."""
        try:
            self.offset(name, path)
        except UnknownError:
            return False
        return True

    def u64(self, address: int) -> int:
        return int.from_bytes(self.kernel.read(address, 8), "little")

    def u32(self, address: int) -> int:
        return int.from_bytes(self.kernel.read(address, 4), "little")

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Return `count` pointers that lie side by side."""
        return tuple(memoryview(self.kernel.read(address, count * POINTER)).cast("Q"))

    def text(self, address: int, most: int = 64) -> str:
        """Return a string that ends with a NUL, or after `most` bytes."""
        return self.kernel.read(address, most).partition(b"\0")[0].decode("utf-8", "surrogateescape")

    def entries(self, head: int, member: int = 0) -> Iterator[int]:
        """Yield the addresses of the structs in a `struct list_head` at `head`.

        Args:
            head: Address of the list's head.
            member: Offset in bytes of the entry in each struct.

        Raises:
            FaultError: The list leads to memory that cannot be read, or never back to its head.
        """
        entry = self.u64(head)
        for _ in range(LONGEST_LIST):
            if entry == head:
                return
            yield entry - member
            entry = self.u64(entry)
        raise FaultError(f"the list at {head:#x} does not end")
