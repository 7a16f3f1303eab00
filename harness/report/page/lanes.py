"""The timeline of a run as lanes on one axis: the states of each task, and the server's requests.

Times are milliseconds since the kill, or since the first event of a run without one.  A template makes it SVG.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.model.records import Milestone, Result, Sighting
from harness.report.journal import requests, time_ns
from harness.report.page.histogram import number, ticks
from harness.report.sightings import by_task
from harness.report.tasks import STATES
from harness.report.text import visible

_LEFT, _WIDTH, _RIGHT = 158, 760, 22
_LANE, _BAR = 24, 17
_ROW = 16
_GLYPH = 6.7
"""Width of a character of the drawing's small type."""
_NAME = 22
_REQUESTS = 16
_LONGEST = 80
"""Characters of a path that are shown; a path may have 4096."""
_BEFORE = 0.1
"""Time before the kill that is shown, as a part of the time after it."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A milestone: a line through the lanes, its name above."""

    x: float
    y: float
    text: str
    end: bool
    """The name lies to the left of the line."""
    what: str


@dataclass(frozen=True, slots=True)
class StateBar:
    """A state of a task, or a request."""

    x: float
    width: float
    look: str
    """Its class in the style sheet: a state letter, `several`, `request` or `open`."""
    text: str
    """Written in the bar where there is room for it."""
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    y: float
    name: str
    full: str
    bars: tuple[StateBar, ...]
    ends: float | None
    """The x at which the task ended; None if it was still there at the end."""


@dataclass(frozen=True, slots=True)
class LaneText:
    """A lane in words."""

    name: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaneDrawing:
    """The timeline, laid out."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    flags: tuple[Flag, ...]
    tasks: tuple[Lane, ...]
    calls: tuple[Lane, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The timeline as a drawing and in words."""

    drawing: LaneDrawing
    milestones: tuple[tuple[str, str, str], ...]
    """Time, name and description."""
    states: tuple[LaneText, ...]
    hidden_tasks: int
    """The number of tasks without a lane."""
    hidden_calls: int


_Span = tuple[Sighting, int]
"""A sighting and the time of the next one."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """From nanoseconds to places on the axis."""

    zero: int
    low: int
    high: int

    def ms(self, at_ns: int) -> float:
        return (at_ns - self.zero) / 1e6

    def x(self, at_ns: int) -> float:
        inside = min(max(at_ns, self.low), self.high)
        return round(_LEFT + (inside - self.low) / (self.high - self.low) * _WIDTH, 1)


def zero_ns(result: Result) -> int | None:
    """Find the time of the kill, else of the first milestone or sighting; None where there is neither."""
    milestones = result.timeline.milestones
    killed = [each.at_ns for each in milestones if each.name == "killed"]
    times = [each.at_ns for each in milestones] + [each.at_ns for each in result.timeline.sightings]
    return killed[0] if killed else min(times, default=None)


def timeline_view(result: Result, lanes: int, states: int, finest: float = 2.0) -> TimelineView | None:
    """Lay out the timeline of a run.

    Args:
        result: The run.
        lanes: Tasks that get a lane, at most.
        states: States of each lane that are put in words, at most.
        finest: Pixels; a state that lasts shorter is drawn together with the next one.

    Returns:
        The drawing and its words; None where nothing was recorded.
    """
    zero = zero_ns(result)
    if zero is None:
        return None
    scale = _scale(result, zero)
    groups = list(by_task(result.timeline.sightings))
    shown = groups[:lanes]
    flags, rows = _flags(result.timeline.milestones, scale)
    top = rows * _ROW + 10.0
    tasks = tuple(_task(group, scale, top + index * _LANE, finest) for index, group in enumerate(shown))
    between = top + len(tasks) * _LANE + (6 if tasks else 0)
    calls, hidden_calls = _calls(result, scale, between)
    bottom = between + max(len(calls), 1) * _LANE
    drawing = LaneDrawing(
        width=_LEFT + _WIDTH + _RIGHT,
        height=bottom + 42,
        left=_LEFT,
        right=_LEFT + _WIDTH,
        top=top,
        bottom=bottom,
        flags=flags,
        tasks=tasks,
        calls=calls,
        ticks=tuple(_ticks(scale)),
    )
    return TimelineView(
        drawing,
        tuple((_time(scale, each.at_ns), each.name, each.what) for each in result.timeline.milestones),
        tuple(_lane_text(group, scale, states) for group in shown),
        len(groups) - len(shown),
        hidden_calls,
    )


def _scale(result: Result, zero: int) -> _Scale:
    """Scale from shortly before the kill to the end of the watch; the clean-up after it is left out."""
    times = [each.at_ns for each in result.timeline.sightings]
    gone = [each.at_ns for each in result.timeline.milestones if each.name == "gone"]
    times += gone or [each.at_ns for each in result.timeline.milestones if each.name != "cleaned"]
    high = max([*times, zero + 100_000])
    first = min([*times, *(each.at_ns for each in result.timeline.milestones), zero])
    return _Scale(zero, min(max(first, int(zero - _BEFORE * (high - zero))), zero), high + (high - zero) // 50)


def _ticks(scale: _Scale) -> Iterator[tuple[float, str]]:
    for each in ticks(scale.ms(scale.low), scale.ms(scale.high), 9):
        yield scale.x(scale.zero + round(each * 1e6)), number(each)


def _time(scale: _Scale, at_ns: int) -> str:
    return f"{scale.ms(at_ns) + 0.0:.2f}"


def _flags(milestones: Iterable[Milestone], scale: _Scale) -> tuple[tuple[Flag, ...], int]:
    """Place the names of milestones in rows without overlaps; the second value is the number of rows."""
    filled: list[float] = []
    placed = []
    for each in milestones:
        if not scale.low <= each.at_ns <= scale.high:
            continue
        x, text = scale.x(each.at_ns), f"{visible(each.name)} {number(round(scale.ms(each.at_ns), 2))}"
        wide = len(text) * _GLYPH + 12
        end = x + wide > _LEFT + _WIDTH + _RIGHT
        start = x - wide if end else x
        row = next((row for row, used in enumerate(filled) if used <= start), len(filled))
        filled[row:] = [start + wide, *filled[row + 1 :]]
        placed.append((x, row, text, end, f"{_time(scale, each.at_ns)} ms: {visible(each.name)}: {visible(each.what)}"))
    return tuple(Flag(x, 12.0 + row * _ROW, text, end, what) for x, row, text, end, what in placed), len(filled)


def _task(group: list[Sighting], scale: _Scale, y: float, finest: float) -> Lane:
    first, gone = group[0], group[-1]
    ends = [each.at_ns for each in group[1:]] + [scale.high]
    spans = [(seen, end) for seen, end in zip(group, ends, strict=True) if seen.state and end > scale.low]
    bars = [_state_bar(together, scale) for together in _together(spans, scale, finest)]
    full = f"{first.comm} {first.tid}" + ("" if first.tid == first.tgid else f" (thread of {first.tgid})")
    name = f"{visible(first.comm)} {first.tid}"
    return Lane(y, _cut(name), full, tuple(bars), None if gone.state else scale.x(gone.at_ns))


def _cut(name: str) -> str:
    """Cut the middle out of a long name: its end is the TID."""
    return name if len(name) <= _NAME else f"{name[: _NAME - 9]}…{name[-8:]}"


def _together(spans: list[_Span], scale: _Scale, finest: float) -> Iterator[list[_Span]]:
    """Join states that are too short for a bar of their own."""
    held: list[_Span] = []
    for span in spans:
        if held and (scale.x(held[-1][1]) - scale.x(held[0][0].at_ns) >= finest or held[-1][1] != span[0].at_ns):
            yield held
            held = []
        if held and scale.x(span[1]) - scale.x(span[0].at_ns) >= finest:
            yield held
            held = []
        held.append(span)
    if held:
        yield held


def _state_bar(spans: list[_Span], scale: _Scale) -> StateBar:
    (seen, _), end = spans[0], spans[-1][1]
    x = scale.x(seen.at_ns)
    width = round(max(scale.x(end) - x, 1.5), 1)
    during = f"from {_time(scale, seen.at_ns)} to {_time(scale, end)} ms"
    if len(spans) > 1:
        letters = "".join(dict.fromkeys(visible(each.state)[:1] for each, _ in spans))
        return StateBar(
            x, width, "several", _fitting(width, letters), f"{len(spans)} changes of state {during}: {letters}"
        )
    letter = visible(seen.state)
    whole = f"{letter} {visible(seen.where)}" if seen.where else letter
    return StateBar(x, width, letter[:1], _fitting(width, whole, letter), f"{_state(seen)}, {during}")


def _fitting(width: float, *texts: str) -> str:
    return next((text for text in texts if len(text) * _GLYPH + 6 <= width), "")


def _state(seen: Sighting) -> str:
    if not seen.state:
        return "gone"
    meaning = STATES.get(seen.state)
    letter = visible(seen.state)
    state = f"{letter} ({meaning})" if meaning else letter
    return f"{state} in {visible(seen.where)}" if seen.where else state


def _lane_text(group: list[Sighting], scale: _Scale, most: int) -> LaneText:
    half = most // 2
    parts = (group, []) if len(group) <= most else (group[:half], group[len(group) - half :])
    first, last = ([f"{_time(scale, each.at_ns)} ms: {_state(each)}" for each in part] for part in parts)
    between = len(group) - len(first) - len(last)
    skipped = [f"… {between} more …"] if between else []
    return LaneText(f"{group[0].comm} {group[0].tid}", (*first, *skipped, *last))


def _calls(result: Result, scale: _Scale, y: float) -> tuple[tuple[Lane, ...], int]:
    """Make lanes of the requests in the time shown, the longest where there are too many, in the order of the calls."""
    found = []
    for request in requests(result.journal):
        called, answered = time_ns(request.called), None if request.replied is None else time_ns(request.replied)
        if called <= scale.high and (answered is None or answered >= scale.low):
            found.append((called, answered, request))
    longest = sorted(found, key=lambda each: (each[1] is not None, each[0] - (each[1] or 0)))[:_REQUESTS]
    lanes = []
    for index, (called, answered, request) in enumerate(sorted(longest, key=lambda each: each[0])):
        what = [str(request.called[key]) for key in ("operation", "path") if request.called.get(key)]
        name = visible(" ".join(each if len(each) <= _LONGEST else f"{each[: _LONGEST - 1]}…" for each in what))
        steps = [f"{visible(str(step.get('event')))} at {_time(scale, time_ns(step))} ms" for step in request.steps]
        end = "never answered" if answered is None else f"answered at {_time(scale, answered)} ms"
        title = ", ".join([f"{name}: called at {_time(scale, called)} ms", *steps, end])
        x = scale.x(called)
        width = round(max((scale.x(answered) if answered is not None else _LEFT + _WIDTH) - x, 2.0), 1)
        look, text = ("open", "never answered") if answered is None else ("request", "answered")
        bar = StateBar(x, width, look, _fitting(width, text), title)
        lanes.append(Lane(y + index * _LANE, _cut_end(name), title, (bar,), None))
    return tuple(lanes), len(found) - len(longest)


def _cut_end(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"
