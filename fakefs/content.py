"""The bytes of a file, with holes: only written pieces take memory."""

import errno
import os

#: Bytes a piece. Writes of up to 128 KiB come in one request (libfuse's big_writes) and touch one or two pieces.
PIECE = 64 * 1024


class Store:
    """How much memory all contents together may take, in pieces."""

    __slots__ = ("capacity", "used")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0

    def take(self, pieces: int) -> None:
        if self.used + pieces > self.capacity:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.used += pieces


class Content:
    """A sparse array of bytes. Not thread safe."""

    __slots__ = ("_pieces", "_store", "size")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pieces: dict[int, bytearray] = {}
        self.size = 0

    @property
    def allocated(self) -> int:
        """Bytes that take memory."""
        return len(self._pieces) * PIECE

    def read(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes; fewer at the end of the file. Holes read as zeros."""
        end = min(offset + size, self.size)
        found = bytearray()
        while offset < end:
            index, start = divmod(offset, PIECE)
            length = min(PIECE - start, end - offset)
            piece = self._pieces.get(index)
            found += bytes(length) if piece is None else piece[start : start + length]
            offset += length
        return bytes(found)

    def write(self, data: bytes, offset: int) -> int:
        """All of it, or ENOSPC and none of it."""
        if not data:
            return 0
        end = offset + len(data)
        touched = range(offset // PIECE, (end - 1) // PIECE + 1)
        new = [index for index in touched if index not in self._pieces]
        self._store.take(len(new))
        self._pieces.update((index, bytearray(PIECE)) for index in new)
        for index in touched:
            base = index * PIECE
            first, last = max(offset, base), min(end, base + PIECE)
            self._pieces[index][first - base : last - base] = data[first - offset : last - offset]
        self.size = max(self.size, end)
        return len(data)

    def truncate(self, size: int) -> None:
        """Cut or grow to `size` bytes; what is grown is a hole."""
        keep, rest = divmod(size, PIECE)
        gone = [index for index in self._pieces if index > keep or (index == keep and not rest)]
        for index in gone:
            del self._pieces[index]
        self._store.used -= len(gone)
        if rest and keep in self._pieces:
            # A file that grows again reads zeros where it was cut.
            self._pieces[keep][rest:] = bytes(PIECE - rest)
        self.size = size
