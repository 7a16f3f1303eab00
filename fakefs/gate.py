"""Where held requests wait. Each waits on a lock of its own: no other lock is held meanwhile."""

import threading
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request at the gate. `since` is CLOCK_MONOTONIC in ns; `what` is for the caller of `held()`."""

    id: int
    what: object
    since: int


@dataclass(frozen=True, slots=True)
class Release:
    """How a wait ended: `errno` is what to fail with, or None; `by_time` says that nobody released it."""

    errno: int | None = None
    by_time: bool = False


@dataclass(slots=True)
class _Place:
    waiting: Waiting
    opened: threading.Event = field(default_factory=threading.Event)
    release: Release = Release(by_time=True)


class Gate:
    """Holds requests until they are released. Once closed, it lets everything pass."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[int, _Place] = {}
        self._closed = False

    def enter(self, identity: int, what: object) -> None:
        """Announce a request, so that it can be released as soon as anybody may know of it. Then `wait`."""
        place = _Place(Waiting(identity, what, time.monotonic_ns()))
        with self._lock:
            self._places[identity] = place
            if self._closed:
                self._open(place, None)

    def wait(self, identity: int, seconds: float | None) -> Release:
        """Wait until released, or for that many seconds."""
        with self._lock:
            place = self._places[identity]
        place.opened.wait(seconds)
        with self._lock:
            del self._places[identity]
            return place.release

    def _open(self, place: _Place, errno: int | None) -> None:
        if not place.opened.is_set():
            place.release = Release(errno)
            place.opened.set()

    def release(self, identity: int | None, errno: int | None = None) -> tuple[int, ...]:
        """Release one request, or all (None); gives the ids of those released. A request released before stays so."""
        with self._lock:
            if identity is None:
                chosen = list(self._places.values())
            else:
                chosen = [self._places[identity]] if identity in self._places else []
            chosen = [place for place in chosen if not place.opened.is_set()]
            for place in chosen:
                self._open(place, errno)
            return tuple(place.waiting.id for place in chosen)

    def held(self) -> tuple[Waiting, ...]:
        """Those that wait now, oldest first."""
        with self._lock:
            return tuple(place.waiting for place in self._places.values() if not place.opened.is_set())

    def close(self) -> None:
        """Release all, and whatever comes later at once."""
        with self._lock:
            self._closed = True
            for place in self._places.values():
                self._open(place, None)
