"""The place where held requests wait. Each one waits on its own event and holds no lock."""

import threading
import time

from fakefs.record import record


@record(frozen=True, slots=True)
class Waiting:
    """A request that waits. `since` is CLOCK_MONOTONIC in ns; `what` is the object that was passed to `enter`."""

    id: int
    what: object
    since: int


@record(frozen=True, slots=True)
class Release:
    """The end of a wait. `errno` is the error to answer with, or None; `by_time` is true if the time ran out."""

    errno: int | None = None
    by_time: bool = False


class _Entry:
    __slots__ = ("opened", "release", "waiting")

    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting
        self.opened = threading.Event()
        self.release = Release(by_time=True)


class Gate:
    """Holds requests until they are released. A closed gate holds none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[int, _Entry] = {}
        self._closed = False

    def enter(self, identity: int, what: object) -> None:
        """Register a request before `wait`, so that it can be released as soon as the journal shows it as held.

        Args:
            identity: The id by which to release it.
            what: Any object, which `held` returns.
        """
        entry = _Entry(Waiting(identity, what, time.monotonic_ns()))
        with self._lock:
            self._entries[identity] = entry
            if self._closed:
                self._open(entry, None)

    def wait(self, identity: int, seconds: float | None) -> Release:
        """Wait until the request is released, or for that many seconds (None: without a limit)."""
        with self._lock:
            entry = self._entries[identity]
        entry.opened.wait(seconds)
        with self._lock:
            del self._entries[identity]
            return entry.release

    def _open(self, entry: _Entry, errno: int | None) -> None:
        if not entry.opened.is_set():
            entry.release = Release(errno)
            entry.opened.set()

    def release(self, identity: int | None, errno: int | None = None) -> tuple[int, ...]:
        """Release requests. A request that is released already keeps its error.

        Args:
            identity: The id of one request, or None for all.
            errno: The error to answer with, or None.

        Returns:
            The ids of the requests that this call released.
        """
        with self._lock:
            if identity is None:
                chosen = list(self._entries.values())
            else:
                chosen = [self._entries[identity]] if identity in self._entries else []
            chosen = [entry for entry in chosen if not entry.opened.is_set()]
            for entry in chosen:
                self._open(entry, errno)
            return tuple(entry.waiting.id for entry in chosen)

    def held(self) -> tuple[Waiting, ...]:
        """The requests that wait now, oldest first."""
        with self._lock:
            return tuple(entry.waiting for entry in self._entries.values() if not entry.opened.is_set())

    def close(self) -> None:
        """Release all requests, and every later one at once."""
        with self._lock:
            self._closed = True
            for entry in self._entries.values():
                self._open(entry, None)
