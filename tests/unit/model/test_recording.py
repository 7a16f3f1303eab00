"""Snapshots to and from JSON, strictly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model import recording
from harness.model.holders import Awaited, PossibleHolder, Relative
from harness.model.records import Claim, Connection, Device, Mount, Snapshot, Task
from tests.unit.records import HANG, recorded

NUMBERS = st.integers(0, 2**63)
TEXT = st.text(max_size=8)
TASKS = st.builds(Task, state=st.sampled_from("RSDTZXI"))
SNAPSHOTS = st.builds(
    Snapshot,
    taken_ns=NUMBERS,
    release=TEXT,
    pid_ns=NUMBERS,
    init_tid=NUMBERS,
    tasks=st.lists(TASKS, max_size=3).map(tuple),
    others=st.lists(TASKS, max_size=2).map(tuple),
    devices=st.lists(st.builds(Device), max_size=2).map(tuple),
    holders=st.lists(st.builds(PossibleHolder), max_size=2).map(tuple),
    relatives=st.none() | st.lists(st.builds(Relative), max_size=2).map(tuple),
    awaited=st.lists(st.builds(Awaited), max_size=2).map(tuple),
    connections=st.lists(st.builds(Connection), max_size=2).map(tuple),
    mounts=st.lists(st.builds(Mount), max_size=2).map(tuple),
    claims=st.lists(st.builds(Claim), max_size=2).map(tuple),
    unseen=st.lists(TEXT, max_size=2).map(tuple),
)


@given(st.lists(SNAPSHOTS, min_size=1, max_size=3).map(tuple))
@pytest.mark.slow
def test_what_is_dumped_is_loaded_again(snapshots: tuple[Snapshot, ...]) -> None:
    assert recording.load(recording.dump(snapshots), "it") == snapshots


@pytest.mark.parametrize("name", ["exit-flush-self", "exit-flush-peer-outside", "server-stopped", "healthy"])
def test_recorded_snapshots_survive(name: str) -> None:
    snapshots = recorded(name)
    assert recording.load(recording.dump(snapshots), name) == snapshots


def test_a_name_that_is_no_utf8_survives() -> None:
    """/proc is read with surrogateescape."""
    text = recording.dump((HANG,)).replace('"comm": "python"', '"comm": "\\udcff"')
    (snapshot,) = recording.load(text, "it")
    assert "\udcff" in {task.comm for task in snapshot.tasks}
    assert recording.load(recording.dump((snapshot,)), "it") == (snapshot,)


def _raw() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(recording.dump((HANG,)))
    return raw


def _changed(**changes: Any) -> str:
    return json.dumps({**_raw(), **changes})


def _in_snapshot(**changes: Any) -> str:
    raw = _raw()
    raw["snapshots"][0].update(changes)
    return json.dumps(raw)


def _without(key: str) -> str:
    raw = _raw()
    del raw["snapshots"][0][key]
    return json.dumps(raw)


def _in_task(**changes: Any) -> str:
    raw = _raw()
    raw["snapshots"][0]["tasks"][0].update(changes)
    return json.dumps(raw)


def _without_in_task(key: str) -> str:
    raw = _raw()
    del raw["snapshots"][0]["tasks"][0][key]
    return json.dumps(raw)


REFUSED = {
    "empty": ("", "Expecting value"),
    "not JSON": ("{", "Expecting"),
    "a list": ("[]", "list"),
    "a number": ("3", "int"),
    "no version": ("{}", "schema_version"),
    "another version": (_changed(schema_version=2), "schema_version 2, expected 1"),
    "no snapshots": (json.dumps({"schema_version": 1}), "snapshots"),
    "an empty list of snapshots": (_changed(snapshots=[]), "holds no snapshot"),
    "a snapshot that is no record": (_changed(snapshots=[3]), "not a record"),
    "an unknown field of a snapshot": (_in_snapshot(verdict="deadlock"), "verdict"),
    "an unknown field of a task": (_in_task(mood="bad"), "unknown field 'mood' of a Task"),
    "a missing field of a snapshot": (_without("init_tid"), "init_tid"),
    "a missing field of a task": (_without_in_task("state"), "state"),
    "tasks that are no list": (_in_snapshot(tasks=7), "not a list"),
}


@pytest.mark.parametrize(("text", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_recording_is_refused_with_the_files_name(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        recording.load(text, "dir/some.json")
    assert str(caught.value).startswith("dir/some.json is no recording of snapshots: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        _in_task(tid="7313"),
        _in_task(switches="2"),
        _in_task(state=""),
        _in_task(stack="do_wait"),
        _in_snapshot(taken_ns="now"),
        _in_snapshot(unseen="all"),
    ],
    ids=["tid", "switches", "state", "stack", "taken_ns", "unseen"],
)
def test_a_value_of_another_type_is_refused(text: str) -> None:
    """Evidence that is wrong must not be judged, nor end in a traceback."""
    with pytest.raises(UsageError, match="it is no recording"):
        recording.load(text, "it")
