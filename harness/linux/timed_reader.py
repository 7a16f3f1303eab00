"""Readings that may never come back, each in a thread that can be left behind.

Whoever reads stat (on 6.18), wchan, stack, syscall, the names of descriptors or of namespaces of a task takes its
`exec_update_lock`, and so does kcmp(2).  execve(2) holds it while it closes the old program's descriptors
(begin_new_exec() calls do_close_on_exec()): when that waits for a FUSE server, `ps` waits with it.  Such a reader
sleeps killably: the end of this process ends it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

STEP_S = 0.02
"""Seconds for which all readers may be silent before there are twice as many."""
MOST = 2048
"""Readers at once."""
_STACK = 256 * 1024


class _Crew(Generic[T, R]):
    def __init__(self, items: Iterable[T], read: Callable[[T], R]) -> None:
        self.todo = deque(items)
        self.read = read
        self.done: dict[T, R] = {}
        self.busy: dict[int, T] = {}
        """Items under way, by the kernel's number of the thread that reads each."""
        self.errors: list[BaseException] = []
        self.idle = threading.Event()
        self.lock = threading.Lock()
        self.readers = 0

    def more(self, number: int) -> None:
        before = threading.stack_size(_STACK)
        try:
            for _ in range(number):
                self.readers += 1
                threading.Thread(target=self._work, daemon=True).start()
        finally:
            threading.stack_size(before)

    def _work(self) -> None:
        me = threading.get_native_id()
        try:
            while True:
                with self.lock:
                    if not self.todo:
                        return
                    item = self.busy[me] = self.todo.popleft()
                self.done[item] = self.read(item)
                with self.lock:
                    del self.busy[me]
        except BaseException as error:  # raised again in the caller, whose thread this is not
            self.errors.append(error)
        finally:
            with self.lock:
                if me in self.busy and self.errors:
                    del self.busy[me]
                if not self.busy and not self.todo:
                    self.idle.set()

    def waiting(self) -> bool:
        """Return True where every reader sleeps beyond the reach of signals; one that is only slow runs, or waits for
        its turn."""
        return all(_sleeps(tid) for tid in list(self.busy))


def _sleeps(tid: int) -> bool:
    """In state D: down_read_killable() of the `exec_update_lock`, or a filesystem that does not answer."""
    try:
        with open(f"/proc/self/task/{tid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "D"
    except OSError:
        return False


class TimedReader:
    """Reads of many processes, and remembers those that made a reader wait: they are not asked again."""

    def __init__(self, on_read: Callable[[], None] = lambda: None) -> None:
        """`on_read`: called before the readings, and while answers come, so that whoever watches knows that it goes
        on."""
        self._on_read = on_read
        self.held: set[int] = set()
        self.unreached: set[int] = set()
        """Those of `held` that no reader came to: our own limits, and no property of the process."""

    def read(self, pids: Iterable[int], read: Callable[[int], R]) -> dict[int, R]:
        """Read each but the held ones; a new one costs as long as `read_each` waits."""
        self._on_read()
        todo = [pid for pid in pids if pid not in self.held]
        answers, stuck, unreached = read_each(todo, read, on_progress=self._on_read)
        self.held.update(stuck, unreached)
        self.unreached.update(unreached)
        return answers


def read_each(
    items: Iterable[T],
    read: Callable[[T], R],
    patience_s: float = 0.3,
    slowest_s: float = 10.0,
    on_progress: Callable[[], None] = lambda: None,
) -> tuple[dict[T, R], tuple[T, ...], tuple[T, ...]]:
    """Read each item, by as many readers as it takes.

    Five hundred items that all hang cost no more time than one: readers double as long as none of them gets on.

    Args:
        items: What to read.
        read: Reads one; what it raises is raised here.
        patience_s: How long all readers may sleep in the kernel before they are given up.
        slowest_s: How long there may be no answer from readers that are only slow.
        on_progress: Called at times while answers come.

    Returns:
        What was read of each item; the items whose readers were given up; the items that no reader came to.
    """
    crew = _Crew(items, read)
    if not crew.todo:
        return {}, (), ()
    crew.more(1)
    answered, silent_s = 0, 0.0
    while not crew.idle.wait(STEP_S):
        silent_s = silent_s + STEP_S if len(crew.done) == answered else 0.0
        if not silent_s:
            on_progress()
        answered = len(crew.done)
        if crew.errors:
            break
        if silent_s and crew.todo and crew.readers < MOST:
            crew.more(min(crew.readers, len(crew.todo), MOST - crew.readers))
        elif silent_s >= patience_s and (crew.waiting() or silent_s >= slowest_s):
            break
    if crew.errors:
        raise crew.errors[0]
    with crew.lock:
        stuck, unreached = tuple(crew.busy.values()), tuple(crew.todo)
        crew.todo.clear()
    return dict(crew.done), stuck, unreached
