"""The timeline of a run, recorded while it goes on."""

from __future__ import annotations

from harness.model.records import Milestone, Sighting, Snapshot, Task, Timeline


class Recorder:
    """Keeps what changed between two looks, not every look."""

    def __init__(self) -> None:
        self._milestones: list[Milestone] = []
        self._sightings: list[Sighting] = []
        self._last: dict[int, tuple[str, str | None]] = {}
        self._tasks: dict[int, Task] = {}

    def reached(self, name: str, what: str, at_ns: int) -> None:
        self._milestones.append(Milestone(at_ns, name, what))

    def saw(self, snapshot: Snapshot) -> None:
        """Record the tasks of the namespace; a task that the snapshot no longer has is gone."""
        present = {task.tid: task for task in snapshot.tasks}
        for tid, task in present.items():
            state = (task.state, (task.functions or (None,))[0])
            if self._last.get(tid) != state:
                self._last[tid] = state
                self._tasks[tid] = task
                self._sightings.append(Sighting(snapshot.taken_ns, tid, task.tgid, task.comm, *state))
        for tid in [tid for tid in self._last if tid not in present]:
            self._gone(tid, snapshot.taken_ns)

    def end(self, at_ns: int) -> Timeline:
        """The whole timeline.  Tasks that were still there at the last look count as gone at `at_ns`."""
        for tid in list(self._last):
            self._gone(tid, at_ns)
        return Timeline(
            tuple(sorted(self._milestones, key=lambda each: each.at_ns)),
            tuple(sorted(self._sightings, key=lambda each: each.at_ns)),
        )

    def _gone(self, tid: int, at_ns: int) -> None:
        del self._last[tid]
        task = self._tasks[tid]
        self._sightings.append(Sighting(at_ns, tid, task.tgid, task.comm, "", None))
