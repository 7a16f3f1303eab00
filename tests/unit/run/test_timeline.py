"""The part of many looks that is kept."""

from __future__ import annotations

from dataclasses import replace

from harness.run.timeline import Recorder
from tests.unit.records import HANG, STUCK, with_task


def test_only_what_changed_is_kept_and_in_order() -> None:
    recorder = Recorder()
    recorder.reached("killed", "SIGKILL", HANG.taken_ns + 5)
    recorder.reached("armed", "held", HANG.taken_ns)
    recorder.saw(HANG)
    recorder.saw(replace(HANG, taken_ns=HANG.taken_ns + 10))
    recorder.saw(replace(with_task(HANG, STUCK, state="R", stack=()), taken_ns=HANG.taken_ns + 20))
    timeline = recorder.end(HANG.taken_ns + 30)
    assert [each.name for each in timeline.milestones] == ["armed", "killed"]
    stuck = [(each.at_ns - HANG.taken_ns, each.state) for each in timeline.sightings if each.tid == STUCK]
    assert stuck == [(0, "D"), (20, "R"), (30, "")]


def test_a_task_that_is_no_longer_there_has_gone() -> None:
    recorder = Recorder()
    recorder.saw(HANG)
    rest = tuple(task for task in HANG.tasks if task.tid != STUCK)
    recorder.saw(replace(HANG, tasks=rest, taken_ns=HANG.taken_ns + 10))
    sightings = recorder.end(HANG.taken_ns + 30).sightings
    assert [(each.at_ns - HANG.taken_ns, each.state) for each in sightings if each.tid == STUCK] == [(0, "D"), (10, "")]
    assert all(each.state == "" for each in sightings[-len(rest) :]), "in the end all are gone"
