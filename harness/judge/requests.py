"""On which connection each waiting task's request is: by evidence, by exact counting, or one of several.  Pure.

Nothing is concluded from the mounts that a task sees alone: it may wait for a file that was passed to it, on a mount
that was
detached, or on a layer of an overlay.  What it sees is taken for its connection only where the counts agree: every
task that
waits and sees the mount has a request that the connection counts.  A connection that counts a request which no such
task
explains may be anybody's who has a way to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.model import kernel_names
from harness.model.records import Mount, Strength, Task
from harness.record import record

if TYPE_CHECKING:
    from harness.judge.waits import View

_LOOSE = ("in the same session", "a sibling by fork")
"""Ways by which a device may have come, and that say nothing of files on mounts that the process does not see."""


@record(frozen=True, slots=True)
class Asked:
    """The connections on which the request of a task can be."""

    numbers: tuple[int, ...]
    """More than one: it is one of them, nothing tells which.  None: it cannot be told."""
    strength: Strength
    evidence: str


class Requests:
    """The requests of all tasks of a snapshot that wait for an answer, matched with what the connections count."""

    def __init__(self, view: View) -> None:
        self._view = view
        snapshot = view.snapshot
        self._counts = {each.number: each.waiting for each in snapshot.connections if each.waiting != 0}
        self._left: dict[int, float] = {
            number: float("inf") if count is None else count for number, count in self._counts.items()
        }
        self._known: dict[int, Asked] = {}
        self._seen: dict[int, tuple[int, ...]] = {}
        tasks = [task for task in view.all if not task.zombie and kernel_names.awaits_fuse(task.functions)]
        shown = {each.tid: each for each in snapshot.awaited}
        self._counted: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._answers: dict[object, Asked] = {}
        for task in tasks:
            asked = self._observed(task, shown.get(task.tid))
            if asked is not None:
                self._known[task.tid] = asked
                if asked.numbers[0] in self._left:
                    self._left[asked.numbers[0]] -= 1
            else:
                self._seen[task.tid] = self._counting_ones(view.connections_seen(task.tgid))
        self._contradicted: set[int] = set()
        self._match()
        for task in view.all:
            if task.held and not task.zombie:
                self._explain_unread(task)

    def _observed(self, task: Task, shown: object) -> Asked | None:
        from harness.model.holders import Awaited

        memory = self._view.snapshot.memory
        served = None if memory is None else memory.awaited_by(task.tid)
        if served is not None:
            return Asked((served.number,), Strength.OBSERVED, "kernel memory: its request is on this connection")
        if isinstance(shown, Awaited) and self._view.connection(shown.connection) is not None:
            return Asked((shown.connection,), Strength.OBSERVED, shown.evidence)
        return None

    def _counting_ones(self, seen: tuple[int, ...]) -> tuple[int, ...]:
        """Those that count requests; one object for all tasks that see the same."""
        if seen not in self._counted:
            self._counted[seen] = tuple(number for number in seen if number in self._counts)
        return self._counted[seen]

    def _mount(self, task: Task, number: int) -> Mount:
        """The last one of a connection that the task sees."""
        return next(each for each in reversed(self._view.mounts_of(task.tgid)) if each.connection == number)

    def _match(self) -> None:
        """Settles the tasks that see one connection with a request left.

        What is left of a connection's count rules it out for others only where the task that explains it can wait for
        nothing else: one to which no file of another mount can have come.
        """
        singles: dict[int, list[int]] = {}
        for tid, numbers in self._seen.items():
            if len(numbers) == 1:
                singles.setdefault(numbers[0], []).append(tid)
        for number, tids in singles.items():
            strangers = sum(self._waits_where_it_sees(tid) for tid in tids)
            if len(tids) > self._left[number]:
                self._contradicted.update(tids)
            else:
                self._left[number] -= strangers
        rests: dict[tuple[int, ...], tuple[int, ...]] = {}
        for tid, numbers in self._seen.items():
            if len(numbers) > 1:
                if numbers not in rests:
                    rests[numbers] = tuple(number for number in numbers if self._left[number] > 0)
                rest = rests[numbers]
                if rest:
                    self._seen[tid] = rest
                else:
                    self._contradicted.add(tid)

    def _waits_where_it_sees(self, tid: int) -> bool:
        """Return True where no file of an unseen mount can have come to it; a common session or parent does not do."""
        tgid = self._view.by_tid[tid].tgid
        if tid in self._view.snapshot.confined or not self._view.related(tgid):
            return True
        return self._view.ways is not None and self._view.ways.get(tgid, "").startswith(_LOOSE)

    def _explain_unread(self, task: Task) -> None:
        """A task in an execve() that hangs may have the request of a connection that it alone sees one left of."""
        numbers = [number for number in self._view.connections_seen(task.tgid) if self._left.get(number, 0) > 0]
        if len(numbers) == 1:
            self._left[numbers[0]] -= 1

    def asked(self, task: Task) -> Asked:
        """Return the connections that the request of this task can be on."""
        known = self._known.get(task.tid)
        if known is not None:
            return known
        launched = self._launched(task)
        if launched is not None:
            return launched
        seen = self._seen.get(task.tid, ())
        kind = (seen, task.tid in self._contradicted, task.tgid if len(seen) == 1 else 0)
        if kind not in self._answers:
            self._answers[kind] = self._possible(task, seen)
        return self._answers[kind]

    def _possible(self, task: Task, seen: tuple[int, ...]) -> Asked:
        if task.tid in self._contradicted or not seen:
            numbers = tuple(self._counts) if seen or self._contradicted else self._spare() or tuple(self._counts)
            numbers = tuple(dict.fromkeys((*seen, *numbers)))
            why = (
                "more tasks wait than the connections that they see count"
                if seen
                else "it sees no mount that could tell"
            )
            if len(numbers) == 1:
                why = "every other waiting request of this machine has a waiting task of its own"
                return Asked(numbers, Strength.DERIVED, f"{why}: by counting")
            return Asked(numbers, Strength.ASSUMED, f"{why}: one of {len(numbers)} connections that count requests")
        extra = tuple(number for number in self._spare() if number not in seen and self._view.reaches(number))
        numbers = (*seen, *extra)
        if len(numbers) > 1:
            return Asked(numbers, Strength.ASSUMED, f"one of {len(numbers)} connections that count requests")
        mount = self._mount(task, seen[0])
        return Asked(numbers, Strength.DERIVED, f"{self._counting(seen[0])}, and it sees its mount ({mount.fsname})")

    def _launched(self, task: Task) -> Asked | None:
        """The launcher knows which connections a task of its own namespace can use."""
        numbers = self._view.launched
        if not numbers or task.tid not in self._view.inside:
            return None
        counted = [number for number in numbers if number in self._counts]
        if not counted:
            return Asked((), Strength.ASSUMED, "no connection of what was launched counts a request")
        seen = [number for number in counted if self._view.sees(task.tgid, number)] or counted
        one = len(seen) == 1
        return Asked(
            tuple(seen),
            Strength.DERIVED if one else Strength.ASSUMED,
            f"the {'only' if one else 'possible'} connection(s) of what was launched, {self._counting(seen[0])}",
        )

    def _spare(self) -> tuple[int, ...]:
        """Connections that count a request which no waiting task explains."""
        return tuple(number for number, left in self._left.items() if left > 0)

    def _counting(self, number: int) -> str:
        count = self._counts.get(number)
        return "whose waiting requests cannot be read" if count is None else f"it counts waiting requests ({count})"


def candidates(view: View, tasks: Iterable[Task]) -> tuple[int, ...]:
    """Return the connections on which the requests of these tasks can be."""
    return tuple(dict.fromkeys(number for task in tasks for number in view.requests.asked(task).numbers))
