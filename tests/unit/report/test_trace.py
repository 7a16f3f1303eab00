"""The timeline: every event by the rules of the Trace Event Format."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from harness.model.records import Report, Result, Sighting, Timeline
from harness.report.formats.trace import RUN_PID, STRIDE, render
from harness.report.journal import requests
from tests.unit.report.test_ktap import AGAIN, KINDS, with_result
from tests.unit.results import KERNELS, WARNINGS, report_of, series_of

REQUIRED = {
    "M": {"name", "pid", "tid", "args"},
    "X": {"name", "cat", "pid", "tid", "ts", "dur"},
    "i": {"name", "cat", "pid", "tid", "ts", "s"},
    "b": {"name", "cat", "pid", "tid", "ts", "id"},
    "n": {"name", "cat", "pid", "tid", "ts", "id"},
    "e": {"name", "cat", "pid", "tid", "ts", "id"},
}
METADATA = {
    "process_name": "name",
    "process_labels": "labels",
    "thread_name": "name",
    "process_sort_index": "sort_index",
}

Event = dict[str, Any]


def events(report: Report) -> list[Event]:
    text = render(report)
    parsed = json.loads(text)
    assert set(parsed) == {"displayTimeUnit", "otherData", "traceEvents"}
    assert parsed["displayTimeUnit"] in ("ms", "ns")
    json.dumps(parsed, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    found: list[Event] = parsed["traceEvents"]
    return found


def only(found: list[Event], phase: str) -> list[Event]:
    return [event for event in found if event["ph"] == phase]


def of(result: Result) -> list[Event]:
    return events(report_of(with_result(series_of("exit-flush-self"), result)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_event_has_what_its_phase_needs(kind: str) -> None:
    for event in events(KINDS[kind]):
        assert set(event) >= REQUIRED[event["ph"]] | {"args"}, event
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert isinstance(event["name"], str)
        assert event["name"].isprintable()
        assert event["ts"] >= 0
        if event["ph"] == "M":
            assert set(event["args"]) == {METADATA[event["name"]]}
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] == "i":
            assert event["s"] in ("g", "p", "t")


@pytest.mark.parametrize("kind", KINDS)
def test_times_only_grow(kind: str) -> None:
    times = [event["ts"] for event in events(KINDS[kind])]
    assert times == sorted(times)


@pytest.mark.parametrize("kind", KINDS)
def test_each_begin_has_its_end(kind: str) -> None:
    """Pairs by category and id, in order, and of the same name; those between are paired, too."""
    opened: dict[tuple[str, str], Event] = {}
    done = set()
    for event in events(KINDS[kind]):
        if event["ph"] not in "bne":
            continue
        key = (event["cat"], event["id"])
        if event["ph"] == "b":
            assert key not in opened
            assert key not in done, "an id is used once"
            opened[key] = event
        elif event["ph"] == "n":
            assert key in opened
        else:
            begin = opened.pop(key)
            done.add(key)
            assert (begin["name"], begin["pid"]) == (event["name"], event["pid"])
            assert begin["ts"] <= event["ts"]
    assert opened == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_slices_of_a_thread_do_not_overlap(kind: str) -> None:
    tracks: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for event in only(events(KINDS[kind]), "X"):
        tracks[event["pid"], event["tid"]].append(event)
    for track in tracks.values():
        for before, after in pairwise(track):
            assert before["ts"] + before["dur"] == pytest.approx(after["ts"], abs=0.0005)


@pytest.mark.parametrize("kind", KINDS)
def test_every_track_has_a_name(kind: str) -> None:
    found = events(KINDS[kind])
    named = {(event["pid"], event["tid"]) for event in only(found, "M") if event["name"] == "thread_name"}
    processes = {event["pid"] for event in only(found, "M") if event["name"] == "process_name"}
    for event in found:
        if event["ph"] != "M":
            assert (event["pid"], event["tid"]) in named
            assert event["pid"] in processes


@pytest.mark.parametrize("kind", KINDS)
def test_a_thread_is_of_one_process(kind: str) -> None:
    """Perfetto takes a thread's number for unique in the whole trace."""
    owners: dict[int, set[int]] = defaultdict(set)
    for event in events(KINDS[kind]):
        owners[event["tid"]].add(event["pid"])
    assert {len(pids) for pids in owners.values()} <= {1}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_report_gives_the_same_text(kind: str) -> None:
    assert render(KINDS[kind]) == render(AGAIN[kind])


def test_the_deadlock_in_time() -> None:
    found = events(report_of(series_of("exit-flush-self")))
    instants = {event["name"]: event["ts"] for event in only(found, "i")}
    assert list(instants) == ["started", "armed", "killed", "judged", "resolving", "gone"]
    assert instants["started"] == 0
    assert instants["killed"] - instants["armed"] == pytest.approx(1000)
    assert instants["gone"] - instants["resolving"] == pytest.approx(610)
    stuck = [event for event in only(found, "X") if event["name"] == "uninterruptible in request_wait_answer"]
    assert {(event["pid"], event["tid"]) for event in stuck} == {(7314, 7317)}
    assert stuck[-1]["ts"] + stuck[-1]["dur"] == pytest.approx(instants["gone"])
    names = [event["args"]["name"] for event in only(found, "M") if event["name"] == "process_name"]
    assert names == ["exit-flush-self: deadlock, 6.18.44", "fusezap-init 7313", "python 7314"]


def test_the_requests() -> None:
    found = events(report_of(series_of("exit-flush-self")))
    assert [event["name"] for event in only(found, "b")] == ["init /", "open /held"]
    begin, end = only(found, "b")[1], only(found, "e")[1]
    assert end["ts"] - begin["ts"] == pytest.approx(200)
    assert begin["args"]["answered"] is True
    assert end["args"]["result"] == 0


def entry(seq: int, event: str, operation: str = "flush", after_ms: int = 0) -> dict[str, object]:
    return {
        "seq": seq,
        "time": 1_000_000 * after_ms,
        "event": event,
        "operation": operation,
        "path": "/held",
        "other": None,
        "caller": {"tid": 5, "comm": None if event == "called" else "cat", "pid_ns": None},
        "result": 0 if event == "replied" else None,
    }


def test_what_was_never_answered_lasts_until_the_end() -> None:
    result = series_of("exit-flush-self").examples[0]
    start = result.timeline.milestones[0].at_ns
    journal = tuple(
        {**each, "time": start + 1_000_000 * number}
        for number, each in enumerate((entry(8, "called"), entry(8, "held")), start=1)
    )
    found = of(replace(result, journal=journal))
    (begin,), (held,), (end,) = only(found, "b"), only(found, "n"), only(found, "e")
    assert begin["name"] == end["name"] == "flush /held (never answered)"
    assert (begin["ts"], held["ts"]) == (1000, 2000)
    assert held["name"] == "held"
    assert end["ts"] == max(event["ts"] for event in found)
    assert begin["args"]["answered"] is False


def test_requests_of_one_kind_are_kept_apart_by_their_number() -> None:
    journal = [
        entry(1, "called"),
        entry(2, "called", after_ms=1),
        entry(2, "replied", after_ms=2),
        entry(1, "released", after_ms=3),
    ]
    first, second = requests(journal)
    assert first.replied is None
    assert [step["event"] for step in first.steps] == ["released"]
    assert second.replied == journal[2]


def test_an_answer_to_nothing_is_left_out() -> None:
    assert requests([entry(1, "replied"), {"event": "called"}]) == requests([{"event": "called"}])


def test_runs_lie_side_by_side() -> None:
    found = events(report_of(series_of("exit-flush-self"), series_of("healthy")))
    assert {event["pid"] for event in only(found, "i")} == {RUN_PID, STRIDE + RUN_PID}
    assert {event["pid"] // STRIDE for event in only(found, "X")} == {0, 1}
    assert [event["ts"] for event in only(found, "i") if event["name"] == "started"] == [0, 0]


def test_a_run_without_a_timeline() -> None:
    result = replace(series_of("exit-flush-self").examples[0], timeline=Timeline(), journal=())
    assert {event["ph"] for event in of(result)} == {"M"}
    assert events(report_of()) == []


def test_a_task_that_is_gone_has_no_more_slices() -> None:
    sightings = (
        Sighting(1_000, 7, 7, "a", "R", None),
        Sighting(3_000, 7, 7, "a", "", None),
        Sighting(9_000, 8, 7, "b", "?", "x"),
    )
    result = replace(series_of("exit-flush-self").examples[0], timeline=Timeline((), sightings), journal=())
    slices = [(event["tid"], event["name"], event["ts"], event["dur"]) for event in only(of(result), "X")]
    assert slices == [(7, "running", 0, 2), (8, "? in x", 8, 0)]


def test_the_processes_of_several_kernels_are_kept_apart() -> None:
    found = only(events(KINDS["matrix"]), "M")
    names = [event["args"]["name"] for event in found if event["name"] == "process_name"]
    assert "exit-flush-self: deadlock, 6.12.43+deb13-amd64" in names
    assert "exit-flush-peer-outside: lost-vm, 6.12.43+deb13-amd64" in names
    for kernel in KERNELS[:2]:
        assert f"python 7314, {kernel.release}" in names


def test_a_kernel_warning_is_a_label() -> None:
    found = only(events(KINDS["lost"]), "M")
    labels = [event["args"]["labels"] for event in found if event["name"] == "process_labels"]
    assert labels == ["the kernel panicked 3.1 s after its start", "; ".join(WARNINGS)]


@pytest.mark.slow
def test_a_long_journal_is_paired_in_time() -> None:
    """Each answer finds its call without a look at all the others: 40,000 open calls of one kind."""
    calls = [entry(number, "called", after_ms=number) for number in range(40_000)]
    answers = [entry(number, "replied", after_ms=40_000 + number) for number in reversed(range(40_000))]
    found = requests([*calls, *answers])
    assert [request.called["seq"] for request in found] == [
        request.replied and request.replied["seq"] for request in found
    ]


def test_without_numbers_the_oldest_call_is_answered_first() -> None:
    calls = [{**entry(0, "called", after_ms=number), "seq": None} for number in range(3)]
    answer = {**entry(0, "replied", after_ms=5), "seq": None}
    assert [request.replied == answer for request in requests([*calls, answer])] == [True, False, False]
