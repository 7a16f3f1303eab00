"""The evidence of a verdict in lines: reasons, processes, stacks, the wait-for graph, the form, and what ended it."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.records import STUCK, Check, Count, Latency, Mark, Outcome, Proof, Result, Series, Snapshot, Verdict
from harness.report.processes import Branch, process_tree
from harness.report.tasks import frame_line, stacks, task_label, task_name
from harness.report.text import Line, counted, deeper, folded, percent, visible
from harness.report.wait_tree import WaitBranch, wait_tree

MEANS = {
    Outcome.RELEASED: "what was killed went away by itself",
    Outcome.STARVED: "stuck, but a live task outside could still end it",
    Outcome.DEADLOCK: "proven: every task that could answer is gone, or waits for the very request",
    Outcome.FAILED: "what was killed went away, and a call in it failed that must not fail",
    Outcome.NOT_EXERCISED: "the path under test never ran, so this proves nothing",
    Outcome.INCONCLUSIVE: "there is not enough evidence",
    Outcome.LOST_VM: "the virtual machine was lost, so this proves nothing",
}
_BOXES = {True: "[x]", False: "[ ]", None: "[?]"}
_NAMED = 5
"""Things that ended together with a hang: so many are named, the others counted."""
_MOST = 100
"""Lines of a graph, at most; JSON has all of it."""


def occurrences(series: Series, count: Count) -> str:
    """Write a count as `200 of 200 runs (95 % interval of the rate: 98.2 % to 100 %)`; one run has no rate."""
    if series.runs == 1:
        return "1 of 1 runs"
    interval = f"{percent(count.low)} to {percent(count.high)}"
    return f"{count.times} of {series.runs} runs ({percent(series.confidence)} interval of the rate: {interval})"


def latency_text(latency: Latency) -> str:
    return f"median {latency.median:.2f} ms, p95 {latency.p95:.2f} ms, maximum {latency.maximum:.2f} ms"


def headline(series: Series) -> str:
    """Sum up the runs of a series on one line."""
    if series.mark is Mark.SKIPPED:
        return f"skipped: this machine lacks {listed(series.missing)}"
    seen = ", ".join(f"{count.outcome} in {count.times} of {series.runs} runs" for count in series.counts)
    trouble = [f"not armed: {listed(series.errors)}"] if series.errors else []
    trouble += [f"left behind: {listed(left_behind(series))}"] if left_behind(series) else []
    trouble += [f"{counted(len(series.warnings), 'warning')} of the kernel"] if series.warnings else []
    return "; ".join([seen or "no run came to an outcome", *trouble])


def listed(texts: tuple[str, ...]) -> str:
    return ", ".join(map(folded, texts)) or "unspecified"


def figures(series: Series) -> list[Line]:
    """List counts, latencies and troubles of a series."""
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
    """List the leftovers of all the runs, each once."""
    every = (*series.leftovers, *(left for result in series.examples for left in result.leftovers))
    return tuple(dict.fromkeys(every))


def proof(result: Result) -> list[Line]:
    """List all the evidence of a run under headings of depth 0."""
    verdict = result.verdict
    lines: list[Line] = [(0, f"{verdict.outcome}: {MEANS[verdict.outcome]}"), *deeper(reasons(verdict))]
    console = console_of(verdict)
    lines += [(1, "the last lines of its console:"), *((2, line) for line in console)] if console else []
    for title, section in sections(result):
        lines += [(0, title), *deeper(section)]
    return lines


def sections(result: Result) -> Iterator[tuple[str, list[Line]]]:
    """List the sections that are not empty; a namespace that is gone has nothing to show."""
    verdict = result.verdict
    if verdict.graph is not None and verdict.snapshots:
        snapshot = verdict.snapshots[-1]
        yield "processes", process_lines(snapshot)
        yield "stacks, innermost first", stack_lines(snapshot)
        yield "who waits for whom", wait_lines(verdict)
    if verdict.form:
        yield "form", checklist(verdict.form)
    ends = remedies(result)
    if ends:
        yield "what was tried to end it", ends


def reasons(verdict: Verdict) -> list[Line]:
    """List the reasons of a verdict and what its proof is worth."""
    return [(0, f"- {visible(reason)}") for reason in (*why(verdict), *worth(verdict))]


def worth(verdict: Verdict) -> tuple[str, ...]:
    """List the grade of a deadlock's proof, and the conditions of a conditional one."""
    if verdict.proof is None:
        return ()
    if verdict.proof is Proof.COMPLETE:
        return ("proof: complete, every reference to the device is accounted for",)
    return (
        "proof: conditional, on what /proc cannot show:",
        *(f"condition: {condition}" for condition in verdict.conditions),
    )


def why(verdict: Verdict) -> tuple[str, ...]:
    """List the reasons, without the lines of a console that a lost machine's verdict has after them."""
    return verdict.reasons[:1] if verdict.outcome is Outcome.LOST_VM else verdict.reasons


def console_of(verdict: Verdict) -> tuple[str, ...]:
    """List the last console lines of a lost machine, with their columns kept."""
    if verdict.outcome is not Outcome.LOST_VM:
        return ()
    return tuple(visible(line.expandtabs().rstrip()) for line in verdict.reasons[1:])


def process_lines(snapshot: Snapshot) -> list[Line]:
    """List the namespace's processes and threads below the parent of init."""
    lines: list[Line] = []

    def add(branch: Branch, depth: int) -> None:
        label = task_label(branch.task, snapshot if depth else None)
        lines.append((depth, f"thread {label}" if branch.thread else label))
        for each in branch.below:
            add(each, depth + 1)

    add(process_tree(snapshot), 0)
    return lines


def stack_lines(snapshot: Snapshot, meanings: bool = True) -> list[Line]:
    """List the stack of each live task as the kernel prints it; `meanings`: with what the known functions do."""
    lines: list[Line] = []
    for stack in stacks(snapshot):
        task = stack.tasks[0]
        lines.append((0, f"{task_name(task)} ({stack.role}, state {visible(task.state)})"))
        lines += [(1, frame_line(frame, meaning if meanings else "")) for frame, meaning in stack.frames or ()]
        lines += [(1, stack.lack)] if stack.lack else []
    return lines


def wait_lines(verdict: Verdict) -> list[Line]:
    """List who waits for whom, from init on; at most `_MOST` lines."""
    lines: list[Line] = []

    def add(branch: WaitBranch, depth: int) -> None:
        label = visible(branch.node.label)
        if not branch.again:
            label += {"blocker": " [could move]", "": ""}.get(branch.role, " [dead]") + f": {visible(branch.node.why)}"
        if branch.edge is None:
            lines.append((depth, label))
        else:
            lines.append((depth, f"waits for {label}{f': {branch.again}' if branch.again else ''}"))
            lines.append((depth + 1, f"({branch.edge.strength}) {visible(branch.edge.evidence)}"))
        for each in branch.below:
            add(each, depth + 1)

    root = wait_tree(verdict)
    if root is not None:
        add(root, 0)
    return [*lines[:_MOST], (0, f"and {len(lines) - _MOST} more lines")] if len(lines) > _MOST else lines


def checklist(form: tuple[Check, ...]) -> list[Line]:
    return [(0, f"{_BOXES[check.holds]} {folded(check.title)}: {visible(check.evidence)}") for check in form]


def remedies(result: Result) -> list[Line]:
    """List the attempts that failed and then what ended the hang, each with the command to type."""
    lines = [
        (0, f"{folded(attempt.action)}: {visible(attempt.command)}: {folded(attempt.answer)}")
        for attempt in result.attempts
    ]
    resolution = result.resolution
    if resolution is not None:
        took = "" if resolution.release_ms is None else f" after {resolution.release_ms:.2f} ms"
        end = f"gone{took}" if resolution.released else f"did not end it: {folded(resolution.detail)}"
        lines.append((0, f"{folded(resolution.action)}: {visible(resolution.command)}: {end}"))
        if resolution.harmed is not None:
            lines.append((0, others(resolution.harmed)))
    return lines


def others(harmed: tuple[str, ...]) -> str:
    """Say what an act did to everything that it was not meant for."""
    if not harmed:
        return "nothing else has ended"
    more = f", and {len(harmed) - _NAMED} more" if len(harmed) > _NAMED else ""
    return f"ended at the same time: {visible('; '.join(harmed[:_NAMED]))}{more}"


def stuck(result: Result) -> bool:
    return result.verdict.outcome in STUCK
