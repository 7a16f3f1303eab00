"""POSIX record locks (fcntl(2)), for mounts where the kernel sends them here. Knows nothing of FUSE."""

import errno
import fcntl
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Condition

from fakefs.tree import fail

#: The last byte of a lock 'to the end, however far that moves'.
END = (1 << 63) - 1

#: Seconds between two looks whether a caller that waits was interrupted.
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Lock:
    """Bytes `first` to `last` (included) of an inode. `kind` is F_RDLCK, F_WRLCK or F_UNLCK; `tid` who asked."""

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
    """What is left of `lock` before and after the bytes of `cut`."""
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
        """F_GETLK: a lock that is in the way."""
        with self._condition:
            return self._conflict(wanted)

    def put(self, wanted: Lock, interrupted: Callable[[], bool] | None) -> None:
        """F_SETLK: EAGAIN if another lock is in the way; F_SETLKW, with `interrupted`: wait for it, or EINTR."""
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
