"""What a verdict rests on, told in lines: reasons, processes, stacks, who waits for whom, the form, what ended it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model import kernel_names
from harness.model.records import (
    STUCK,
    Check,
    Count,
    Latency,
    Mark,
    Outcome,
    Result,
    Series,
    Snapshot,
    Task,
    Verdict,
    function_of,
)
from harness.report import processes
from harness.report.text import Line, counted, deeper, folded, percent, visible

MEANS = {
    Outcome.RELEASED: "what was killed went away by itself",
    Outcome.STARVED: "stuck, but a live task outside could still end it",
    Outcome.DEADLOCK: "proven: every task that could answer is gone, or waits for the very request",
    Outcome.FAILED: "what was killed went away, and a call in it failed that must not fail",
    Outcome.NOT_EXERCISED: "the path under test never ran, so this proves nothing",
    Outcome.INCONCLUSIVE: "the evidence does not suffice",
    Outcome.LOST_VM: "the virtual machine was lost, so this proves nothing",
}
_BOXES = {True: "[x]", False: "[ ]", None: "[?]"}
_FRAME_COLUMN = 44
_MOST = 100
"""Lines of a graph: what a person reads; JSON has the whole of it."""


def occurrences(series: Series, count: Count) -> str:
    """`200 of 200 runs (95 % interval of the rate: 98.2 % to 100 %)`; one run alone has no rate worth the words."""
    if series.runs == 1:
        return "1 of 1 runs"
    interval = f"{percent(count.low)} to {percent(count.high)}"
    return f"{count.times} of {series.runs} runs ({percent(series.confidence)} interval of the rate: {interval})"


def latency_text(latency: Latency) -> str:
    return f"median {latency.median:.2f} ms, p95 {latency.p95:.2f} ms, maximum {latency.maximum:.2f} ms"


def headline(series: Series) -> str:
    """What all the runs came to, on one line."""
    if series.mark is Mark.SKIPPED:
        return f"skipped: this machine lacks {listed(series.missing)}"
    seen = ", ".join(f"{count.outcome} in {count.times} of {series.runs} runs" for count in series.counts)
    trouble = [f"not armed: {listed(series.errors)}"] if series.errors else []
    trouble += [f"left behind: {listed(left_behind(series))}"] if left_behind(series) else []
    trouble += [f"{counted(len(series.warnings), 'warning')} of the kernel"] if series.warnings else []
    return "; ".join([seen or "no run came to an outcome", *trouble])


def listed(texts: tuple[str, ...]) -> str:
    return ", ".join(map(folded, texts)) or "what, it does not say"


def figures(series: Series) -> list[Line]:
    """Counts, latencies, and what did not go as it was to go."""
    lines = [(0, f"{count.outcome}: {occurrences(series, count)}") for count in series.counts]
    if series.latency is not None:
        lines.append((0, f"kill to verdict: {latency_text(series.latency)}"))
    if series.note:
        lines.append((0, folded(series.note)))
    lines += [(0, f"missing: {folded(missing)}") for missing in series.missing]
    lines += [(0, f"not armed: {folded(error)}") for error in series.errors]
    lines += [(0, f"left behind: {folded(left)}") for left in left_behind(series)]
    lines += [(0, f"the kernel's log: {visible(warning)}") for warning in series.warnings]
    return lines


def left_behind(series: Series) -> tuple[str, ...]:
    """Each thing once."""
    every = (*series.leftovers, *(left for result in series.examples for left in result.leftovers))
    return tuple(dict.fromkeys(every))


def proof(result: Result) -> list[Line]:
    """All of it, under headings of depth 0."""
    verdict = result.verdict
    lines: list[Line] = [(0, f"{verdict.outcome}: {MEANS[verdict.outcome]}"), *deeper(reasons(verdict))]
    console = console_of(verdict)
    lines += [(1, "the last of its console:"), *((2, line) for line in console)] if console else []
    for title, section in sections(result):
        lines += [(0, title), *deeper(section)]
    return lines


def sections(result: Result) -> Iterator[tuple[str, list[Line]]]:
    """Those that have something to say; a namespace that is gone has nothing to show."""
    verdict = result.verdict
    if verdict.graph is not None and verdict.snapshots:
        snapshot = verdict.snapshots[-1]
        yield "processes", process_tree(snapshot)
        yield "stacks, innermost first", stacks(snapshot)
        yield "who waits for whom", waits(verdict)
    if verdict.form:
        yield "form", checklist(verdict.form)
    ends = remedies(result)
    if ends:
        yield "what was tried to end it", ends


def reasons(verdict: Verdict) -> list[Line]:
    return [(0, f"- {visible(reason)}") for reason in why(verdict)]


def why(verdict: Verdict) -> tuple[str, ...]:
    """The reasons without what is no reason, but a console's lines."""
    return verdict.reasons[:1] if verdict.outcome is Outcome.LOST_VM else verdict.reasons


def console_of(verdict: Verdict) -> tuple[str, ...]:
    """The last lines of a machine that was lost: their columns kept, what is not printable made visible."""
    if verdict.outcome is not Outcome.LOST_VM:
        return ()
    return tuple(visible(line.expandtabs().rstrip()) for line in verdict.reasons[1:])


def process_tree(snapshot: Snapshot) -> list[Line]:
    """The namespace's processes below what is above init; the threads that live beside their leader under it."""
    tree = processes.grown(snapshot)
    lines = [(0, task_label(tree.above) if tree.above else "outside")]

    def tell(branch: processes.Branch, depth: int) -> None:
        lines.append((depth, task_label(branch.task, snapshot)))
        lines.extend((depth + 1, f"thread {task_label(thread)}") for thread in branch.threads)
        for child in branch.children:
            tell(child, depth + 1)

    for branch in tree.roots:
        tell(branch, 1)
    return [*lines, *((1, f"thread {task_label(thread)}") for thread in tree.strays)]


def task_label(task: Task, snapshot: Snapshot | None = None) -> str:
    return f"{visible(task.comm)} {task.tid} {visible(task.state)}{task_notes(task, snapshot)}"


def task_notes(task: Task, snapshot: Snapshot | None = None) -> str:
    """` (zombie, 2 threads)`, or nothing."""
    notes = []
    if snapshot is not None and task.tid == snapshot.init_tid:
        notes.append("PID 1 of the namespace" if snapshot.pid_ns is not None else "the process that is to go")
    if task.zombie and task.leader:
        notes.append("zombie")
    if task.leader and task.threads > 1:
        notes.append(counted(task.threads, "thread"))
    if task.exiting and not task.zombie:
        notes.append("exiting")
    if task.functions and not task.zombie:
        notes.append(f"in {visible(task.functions[0])}")
    return f" ({', '.join(notes)})" if notes else ""


def stacks(snapshot: Snapshot, explained: bool = True) -> list[Line]:
    """Of each live task, as the kernel prints it; `explained`: what a known function does, beside it."""
    lines: list[Line] = []
    for task in snapshot.live:
        role = "init" if task.tid == snapshot.init_tid else f"thread of {task.tgid}"
        lines.append((0, f"{visible(task.comm)} {task.tid} ({role}, state {visible(task.state)})"))
        if task.stack is None:
            lines.append((1, f"stack not readable by this user; wchan {visible(task.wchan or '-')}"))
        elif not task.stack:
            lines.append((1, "no kernel stack: it runs"))
        else:
            lines += [(1, _frame(frame, explained)) for frame in task.stack]
    return lines


def _frame(frame: str, explained: bool) -> str:
    meaning = kernel_names.MEANING.get(function_of(frame), "") if explained else ""
    return f"{visible(frame):{_FRAME_COLUMN}} {meaning}".rstrip()


def glossary(snapshot: Snapshot) -> dict[str, str]:
    """The known functions of all the stacks, in the order in which they are met."""
    names = dict.fromkeys(name for task in snapshot.live for name in task.functions)
    return {name: kernel_names.MEANING[name] for name in names if name in kernel_names.MEANING}


def waits(verdict: Verdict) -> list[Line]:
    """The graph as a tree from init; a node met again is named, not repeated: there the circle closes."""
    graph = verdict.graph
    if graph is None:
        return []
    names = {node.id: node for node in graph.nodes}
    lines: list[Line] = []
    told: set[str] = set()
    open_above: set[str] = set()

    def label(name: str) -> str:
        node = names[name]
        mark = " [dead]" if name in verdict.dead else " [could move]" if name in verdict.blockers else ""
        return f"{visible(node.label)}{mark}: {visible(node.why)}"

    def tell(name: str, depth: int) -> None:
        told.add(name)
        open_above.add(name)
        for edge in graph.targets(name):
            known = (depth + 2, f"({edge.strength}) {visible(edge.evidence)}")
            if edge.target not in told:
                lines.extend([(depth + 1, f"waits for {label(edge.target)}"), known])
                tell(edge.target, depth + 1)
            else:
                again = "here the circle closes" if edge.target in open_above else "told above"
                lines.extend([(depth + 1, f"waits for {visible(names[edge.target].label)}: {again}"), known])
        open_above.discard(name)

    lines.append((0, label(graph.root)))
    tell(graph.root, 0)
    return [*lines[:_MOST], (0, f"and {len(lines) - _MOST} more lines")] if len(lines) > _MOST else lines


def checklist(form: tuple[Check, ...]) -> list[Line]:
    return [(0, f"{_BOXES[check.holds]} {folded(check.title)}: {visible(check.evidence)}") for check in form]


def remedies(result: Result) -> list[Line]:
    """What was tried in vain, and then what ended it, each as a person would type it."""
    lines = [
        (0, f"{folded(attempt.action)}: {visible(attempt.command)}: {folded(attempt.answer)}")
        for attempt in result.attempts
    ]
    resolution = result.resolution
    if resolution is not None:
        took = "" if resolution.release_ms is None else f" after {resolution.release_ms:.2f} ms"
        end = f"gone{took}" if resolution.released else f"did not end it: {folded(resolution.detail)}"
        lines.append((0, f"{folded(resolution.action)}: {visible(resolution.command)}: {end}"))
    return lines


def stuck(result: Result) -> bool:
    return result.verdict.outcome in STUCK
