"""The memory of the running kernel: /proc/kcore, an ELF file whose segments say which addresses lie where."""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from types import TracebackType

from harness.observe.memory.kernel import FaultError

PATH = "/proc/kcore"
_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_PT_LOAD = 1
HEAD = 16384
"""Bytes at the beginning of such a file that hold its headers."""


class Kcore:
    """An open /proc/kcore; reads raise FaultError where nothing is mapped."""

    def __init__(self, path: str) -> None:
        """Raises OSError where it cannot be opened: not root, lockdown, CONFIG_PROC_KCORE; ValueError: no ELF file."""
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._starts, self._segments = segments(os.pread(self._fd, HEAD, 0))
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Kcore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def read(self, address: int, size: int) -> bytes:
        place = bisect_right(self._starts, address) - 1
        if place >= 0:
            start, end, offset = self._segments[place]
            if address + size <= end:
                try:
                    data = os.pread(self._fd, size, offset + address - start)
                except OSError as error:
                    raise FaultError(f"{address:#x}: {error.strerror}") from error
                if len(data) == size:
                    return data
        raise FaultError(f"{address:#x} is not mapped")


def segments(head: bytes) -> tuple[list[int], list[tuple[int, int, int]]]:
    """(start, end, offset in the file) of each segment, sorted, and the starts alone.  Pure."""
    found = sorted((start, start + length, offset) for offset, start, length in loaded(head))
    return [each[0] for each in found], found


def loaded(head: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (offset in the file, virtual address, bytes) of each segment of an ELF file; ValueError if it is none."""
    if head[:4] != b"\x7fELF":
        raise ValueError("it is no ELF file")
    try:
        fields = _ELF_HEADER.unpack_from(head)
        at, size, count = fields[5], fields[9], fields[10]
        for number in range(count):
            kind, _, offset, start, _, length, _, _ = _SEGMENT.unpack_from(head, at + number * size)
            if kind == _PT_LOAD:
                yield offset, start, length
    except struct.error as error:
        raise ValueError("its headers are cut off") from error
