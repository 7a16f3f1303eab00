"""The bytes of a file. Only the pieces that were written take memory; the rest are holes."""

import errno
import os

#: Bytes of a piece. The kernel sends writes of up to 128 KiB in one request (FUSE_BIG_WRITES), which is up to three
#: pieces.
PIECE = 64 * 1024


class Store:
    """Counts the memory of all contents together, in pieces."""

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
        """The memory that the content takes, in bytes."""
        return len(self._pieces) * PIECE

    def read(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer at the end of the file. Holes read as zeros."""
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
        """Write all of `data`. Raises OSError (ENOSPC) if there is no room for it, and then writes none of it."""
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
        """Cut the file to `size` bytes, or grow it with a hole."""
        keep, rest = divmod(size, PIECE)
        gone = [index for index in self._pieces if index > keep or (index == keep and not rest)]
        for index in gone:
            del self._pieces[index]
        self._store.used -= len(gone)
        if rest and keep in self._pieces:
            # If the file grows again, the part that was cut reads as zeros.
            self._pieces[keep][rest:] = bytes(PIECE - rest)
        self.size = size
