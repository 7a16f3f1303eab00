"""What the written formats have in common: a finding in lines, under headings."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnosis.records import Blocker, Container, Diagnosis, Finding, Request, Stuck
from harness.report.proof import MEANS, checklist, process_lines, reasons, wait_lines
from harness.report.tasks import NOT_READABLE, explained, frame_line
from harness.report.text import Line, counted, visible

MOST = 20
"""Tasks of one finding whose stacks are written out; the others are counted."""


def headline(diagnosis: Diagnosis) -> str:
    readings = diagnosis.readings
    found = counted(len(diagnosis.findings), "finding") if diagnosis.findings else "nothing is stuck"
    if not diagnosis.findings and readings.blind:
        found = "nothing that is stuck can be seen from here, which does not mean that there is nothing"
    looked = f"{counted(readings.tasks, 'task')} looked at in {readings.duration_s:.2f} s"
    return f"{found}: {looked}, kernel {readings.release}"


def title(finding: Finding) -> str:
    what = f"PID namespace of init {finding.init_pid}" if finding.init_pid else "outside of a dying PID namespace"
    return f"{finding.outcome.upper()} {finding.id}: {finding.kind}, {what}"


def age(finding: Finding) -> str:
    if finding.for_s is None:
        return "for how long cannot be told: this kernel has no /proc/PID/sched"
    seconds = round(finding.for_s)
    parts = [f"{seconds // 86400} d"] if seconds >= 86400 else []
    parts += [f"{seconds // 3600 % 24} h"] if seconds >= 3600 else []
    parts += [f"{seconds // 60 % 60} min"] if seconds >= 60 else []
    return f"for {' '.join([*parts, f'{seconds % 60} s'])}, since {finding.since}"


def container_text(container: Container | None) -> str:
    if container is None:
        return "none that could be told"
    parts = [f"{container.runtime} {container.id}"]
    parts += [f"name {container.name}"] if container.name else []
    parts += [f"image {container.image}"] if container.image else []
    parts += [f"pod {container.pod}"] if container.pod else []
    return visible(", ".join([*parts, f"by {container.evidence}"]))


def connection_text(stuck: Stuck | None) -> str:
    if stuck is None:
        return "none, or one that could not be told"
    waiting = "unknown" if stuck.waiting is None else str(stuck.waiting)
    where = visible(stuck.point) if stuck.point else "where we cannot see"
    return f"{stuck.number} ({visible(stuck.fsname or '?')}), mounted at {where}, waiting requests: {waiting}"


def facts(finding: Finding) -> list[tuple[str, str]]:
    return [
        ("stuck", age(finding)),
        ("container", container_text(finding.container)),
        ("connection", connection_text(finding.connection)),
    ]


def sections(finding: Finding) -> Iterator[tuple[str, list[Line]]]:
    """All but the facts: what it rests on and what ends it."""
    verdict = finding.verdict
    snapshot = verdict.snapshots[-1]
    yield f"{verdict.outcome}: {MEANS[verdict.outcome]}", reasons(verdict)
    yield "what would end it", remedies(finding)
    if finding.connection is not None and finding.connection.requests:
        yield "requests without an answer", _requests(finding.connection.requests)
    yield "processes", process_lines(snapshot)
    yield "what keeps it", _blockers(finding.blockers)
    yield "who waits for whom", wait_lines(verdict)
    yield "form", checklist(verdict.form)


def remedies(finding: Finding) -> list[Line]:
    lines: list[Line] = []
    for remedy in finding.remedies:
        lines.append((0, f"{remedy.action}: {visible(remedy.command)}" if remedy.command else remedy.action))
        lines.append((1, visible(remedy.effect)))
    if any(remedy.resolver for remedy in finding.remedies):
        lines.append((0, f"by fusezap, which asks first: fusezap diagnose --resolve {finding.id}"))
    return lines


def _requests(found: tuple[Request, ...]) -> list[Line]:
    lines: list[Line] = []
    for each in found[:MOST]:
        file = visible(each.path) if each.path else "a file that has left the kernel's memory"
        since = "" if each.for_s is None else f" for {each.for_s:.0f} s"
        who = f"task {each.tid} waits{since}" if each.tid else "nobody waits"
        lines.append((0, f"{each.opcode} {each.unique} of {file} (node {each.node}): {each.state}, {who}"))
    if len(found) > MOST:
        lines.append((0, f"and {len(found) - MOST} more"))
    return lines


def _blockers(found: tuple[Blocker, ...]) -> list[Line]:
    lines: list[Line] = []
    for each in found[:MOST]:
        reference = f" ({each.reference})" if each.reference else ""
        lines.append((0, f"{visible(each.comm)} {each.tid} of process {each.pid}, state {each.state}: {each.kind}"))
        lines.append((1, f"{each.meaning}{reference}"))
        lines.append((1, f"waits for {visible(each.waits_for)}"))
        frames = explained(each.stack)
        if frames is None:
            lines.append((1, f"{NOT_READABLE}; wchan {visible(each.wchan or '-')}"))
        else:
            lines += [(1, frame_line(*frame)) for frame in frames]
    if len(found) > MOST:
        lines.append((0, f"and {len(found) - MOST} more tasks"))
    return lines


def unseen(diagnosis: Diagnosis) -> list[str]:
    return [visible(each) for each in (*diagnosis.readings.blind, *diagnosis.readings.unseen)]
