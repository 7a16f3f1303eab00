"""A timeline in the Trace Event Format, which chrome://tracing and Perfetto open.

A thread group becomes a process of the format, a task a thread, and each of its states a slice (`X`).  The run itself
is one more process: its milestones are instants (`i`), the journalled requests async pairs (`b`, `e`).  Times are
microseconds since the run began.  The PIDs of the second and later runs are offset, because a reader of the format
takes equal PIDs for one process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.model.records import Kernel, Milestone, Outcome, Report, Result, Series, Sighting
from harness.report.cells import kernel_names, kernels_of
from harness.report.journal import JournalRequest, requests, time_ns
from harness.report.proof import why
from harness.report.sightings import by_task
from harness.report.tasks import STATES
from harness.report.text import folded, visible

SUMMARY = "a timeline in the Trace Event Format, for Perfetto and chrome://tracing"
STRIDE = 10_000_000
"""Offset of the PIDs from run to run: above PID_MAX_LIMIT (4 194 304, include/linux/threads.h)."""
RUN_PID = 5_000_000
"""PID of the run itself, which no process can have."""


_COLOURS = {
    "R": "thread_state_running",
    "S": "thread_state_sleeping",
    "D": "thread_state_uninterruptible",
    "Z": "terrible",
    "T": "thread_state_unknown",
}
"""Reserved names of the format (`cname`)."""

Event = dict[str, Any]


def render(report: Report) -> str:
    events: list[Event] = []
    kernels = kernel_names(kernels_of(report.series))
    for number, (series, result) in enumerate(_results(report)):
        events += _Run(number, series, result, kernels).events()
    events.sort(key=lambda event: (event["ph"] != "M", event["ts"]))
    about = {
        "command": visible(report.command),
        "started": visible(report.started),
        "version": f"fusezap {visible(report.version)}",
    }
    lines = ",\n".join(map(json.dumps, events))
    return f'{{"displayTimeUnit": "ms", "otherData": {json.dumps(about)}, "traceEvents": [\n{lines}\n]}}\n'


def _results(report: Report) -> Iterator[tuple[Series, Result]]:
    for series in report.series:
        for result in series.examples:
            yield series, result


class _Run:
    """A result on a scale of its own: `base` is added to each PID, `start` subtracted from each time."""

    def __init__(self, number: int, series: Series, result: Result, kernels: dict[Kernel, str]) -> None:
        self.number, self.series, self.result = number, series, result
        self.kernel = kernels[series.kernel]
        self.under = f", {self.kernel}" if len(kernels) > 1 else ""
        self.base = number * STRIDE
        self.run = self.base + RUN_PID
        self.journal = [entry for entry in result.journal if isinstance(entry.get("time"), int)]
        times = [milestone.at_ns for milestone in result.timeline.milestones]
        times += [sighting.at_ns for sighting in result.timeline.sightings]
        times += [time_ns(entry) for entry in self.journal]
        self.start, self.end = min(times, default=0), max(times, default=0)

    def events(self) -> Iterator[Event]:
        yield from self._names()
        for milestone in self.result.timeline.milestones:
            yield self._instant(milestone)
        for sightings in by_task(self.result.timeline.sightings):
            yield from self._slices(sightings)
        for number, request in enumerate(requests(self.journal)):
            yield from self._pair(number, request)

    def _us(self, at_ns: int) -> float:
        """A nanosecond is the third decimal."""
        return (at_ns - self.start) / 1000

    def _names(self) -> Iterator[Event]:
        name = f"{self.series.about.name}: {self.result.verdict.outcome}, {self.kernel}"
        yield self._meta(self.run, self.run, "process_name", name)
        lost = why(self.result.verdict) if self.result.verdict.outcome is Outcome.LOST_VM else ()
        if labels := (*lost, *self.series.warnings):
            yield {
                **self._meta(self.run, self.run, "process_labels", ""),
                "args": {"labels": folded("; ".join(labels))},
            }
        yield self._meta(self.run, self.run, "thread_name", "milestones")
        yield {**self._meta(self.run, self.run, "process_sort_index", ""), "args": {"sort_index": self.run}}
        last = {sighting.tid: sighting for sighting in self.result.timeline.sightings}
        named = set()
        for sighting in sorted(last.values(), key=lambda each: (each.tgid, each.tid)):
            pid, tid = self.base + sighting.tgid, self.base + sighting.tid
            leader = last.get(sighting.tgid, sighting)
            if pid not in named:
                named.add(pid)
                yield self._meta(pid, pid, "process_name", f"{leader.comm} {sighting.tgid}{self.under}")
                yield {**self._meta(pid, pid, "process_sort_index", ""), "args": {"sort_index": self.run + len(named)}}
            yield self._meta(pid, tid, "thread_name", f"{sighting.comm} {sighting.tid}")

    def _meta(self, pid: int, tid: int, what: str, name: str) -> Event:
        return {"ph": "M", "name": what, "pid": pid, "tid": tid, "ts": 0, "args": {"name": visible(name)}}

    def _instant(self, milestone: Milestone) -> Event:
        return {
            "ph": "i",
            "s": "t",
            "cat": "milestone",
            "name": folded(milestone.name),
            "pid": self.run,
            "tid": self.run,
            "ts": self._us(milestone.at_ns),
            "args": {"what": folded(milestone.what)},
        }

    def _slices(self, sightings: list[Sighting]) -> Iterator[Event]:
        """From each sighting of a task to its next; the last lasts until the end of the run."""
        ends = [sighting.at_ns for sighting in sightings[1:]] + [self.end]
        for sighting, end in zip(sightings, ends, strict=True):
            if sighting.state:
                yield self._slice(sighting, end)

    def _slice(self, sighting: Sighting, end: int) -> Event:
        state = STATES.get(sighting.state, visible(sighting.state))
        where = visible(sighting.where) if sighting.where else None
        event = {
            "ph": "X",
            "cat": "state",
            "name": f"{state} in {where}" if where else state,
            "pid": self.base + sighting.tgid,
            "tid": self.base + sighting.tid,
            "ts": self._us(sighting.at_ns),
            "dur": (end - sighting.at_ns) / 1000,
            "args": {"comm": visible(sighting.comm), "state": visible(sighting.state), "tid": sighting.tid},
        }
        if sighting.state in _COLOURS:
            event["cname"] = _COLOURS[sighting.state]
        return event

    def _pair(self, number: int, request: JournalRequest) -> Iterator[Event]:
        """`Events with the same category and id are of one tree`: the id is unique in the whole document."""
        called, replied = request.called, request.replied
        name = " ".join(visible(str(called[key])) for key in ("operation", "path") if called.get(key) is not None)
        common: Event = {
            "cat": "request",
            "id": f"{self.number}.{number}",
            "name": name if replied is not None else f"{name} (never answered)",
            "pid": self.run,
            "tid": self.run,
        }
        args = {"answered": replied is not None, **_shown(called)}
        yield {"ph": "b", **common, "ts": self._us(time_ns(called)), "args": args}
        for step in request.steps:
            inner = {**common, "name": folded(str(step["event"]))}
            yield {"ph": "n", **inner, "ts": self._us(time_ns(step)), "args": _shown(step)}
        end = {"answered": False} if replied is None else _shown(replied)
        yield {"ph": "e", **common, "ts": self._us(self.end if replied is None else time_ns(replied)), "args": end}


def _shown(entry: dict[str, object]) -> dict[str, Any]:
    """List the fields of an entry but for time and event; unknown ones are left out."""
    return {key: _value(value) for key, value in entry.items() if key not in ("time", "event") and value is not None}


def _value(value: object) -> Any:
    if isinstance(value, dict):
        return {visible(str(key)): _value(each) for key, each in value.items() if each is not None}
    return value if isinstance(value, (bool, int, float)) else visible(str(value))
