"""POSIX record locks (fcntl(2)), for mounts whose server keeps them. Knows nothing about FUSE."""

import errno
import fcntl
from collections.abc import Callable
from threading import Condition

from fakefs.record import record, replace
from fakefs.tree import fail

#: The last byte of a lock that extends to the end of the file, wherever that moves.
END = (1 << 63) - 1

#: Seconds between two checks whether a waiting caller was interrupted.
LOOK_S = 0.05


@record(frozen=True, slots=True)
class Lock:
    """A lock on the bytes from `first` to `last` (inclusive) of an inode.

    `kind` is F_RDLCK, F_WRLCK or F_UNLCK; `owner` is the kernel's number of the lock owner; `tid` is the caller.
    """

    ino: int
    owner: int
    kind: int
    first: int
    last: int
    tid: int

    def overlaps(self, other: "Lock") -> bool:
        return self.ino == other.ino and self.first <= other.last and other.first <= self.last

    def conflicts(self, other: "Lock") -> bool:
        return self.overlaps(other) and self.owner != other.owner and fcntl.F_WRLCK in (self.kind, other.kind)


def remaining(lock: Lock, cut: Lock) -> list[Lock]:
    """The parts of `lock` before and after the bytes of `cut`."""
    parts = []
    if lock.first < cut.first:
        parts.append(replace(lock, last=cut.first - 1))
    if lock.last > cut.last:
        parts.append(replace(lock, first=cut.last + 1))
    return parts


class Locks:
    """All locks of a mount. Thread safe."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._locks: list[Lock] = []

    def _conflict(self, wanted: Lock) -> Lock | None:
        return next((lock for lock in self._locks if lock.conflicts(wanted)), None)

    def find(self, wanted: Lock) -> Lock | None:
        """F_GETLK: a lock that conflicts with `wanted`, or None."""
        with self._condition:
            return self._conflict(wanted)

    def put(self, wanted: Lock, interrupted: Callable[[], bool] | None) -> None:
        """Set or remove a lock.

        Args:
            wanted: The lock.
            interrupted: For F_SETLKW: wait for conflicting locks until this returns True. None for F_SETLK.

        Raises:
            OSError: EAGAIN if there is a conflict (F_SETLK), EINTR if the caller was interrupted (F_SETLKW).
        """
        with self._condition:
            while wanted.kind != fcntl.F_UNLCK and self._conflict(wanted):
                if interrupted is None:
                    fail(errno.EAGAIN)
                if interrupted():
                    fail(errno.EINTR)
                self._condition.wait(LOOK_S)
            kept: list[Lock] = []
            for lock in self._locks:
                own = lock.owner == wanted.owner and lock.overlaps(wanted)
                kept += remaining(lock, wanted) if own else [lock]
            self._locks = kept if wanted.kind == fcntl.F_UNLCK else [*kept, wanted]
            self._condition.notify_all()
