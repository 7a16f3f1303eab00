"""A finding in lines under headings, the same in all written formats."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnosis.records import (
    BELOW,
    Aftermath,
    Blocker,
    Container,
    Diagnosis,
    Finding,
    LongWait,
    PendingRequest,
    Remedy,
    Stuck,
)
from harness.report.proof import MEANS, checklist, process_lines, reasons, wait_lines
from harness.report.tasks import NOT_READABLE, explained, frame_line
from harness.report.text import Line, counted, duration, visible

MOST = 20
"""Tasks of one finding whose stacks are written out; the others are counted."""


def conclusion(diagnosis: Diagnosis) -> str:
    """Say how much is stuck."""
    if diagnosis.findings:
        return f"{counted(len(diagnosis.findings), 'finding')}, the worst and oldest first"
    if diagnosis.waits and diagnosis.waits_count:
        return "nothing is dead, but clients wait long for a server that lives"
    if diagnosis.readings.blind:
        return "nothing stuck is visible from here, but not everything could be read"
    return "nothing is stuck"


def headline(diagnosis: Diagnosis) -> str:
    """Say how much is stuck, and what was read for it."""
    readings = diagnosis.readings
    scanned = f"{counted(readings.tasks, 'task')} scanned in {readings.duration_s:.2f} s"
    return f"{conclusion(diagnosis)}: {scanned}, kernel {visible(readings.release)}"


def title(finding: Finding) -> str:
    """Head the section of a finding."""
    what = f"PID namespace of init {finding.init_pid}" if finding.init_pid else "not in a dying PID namespace"
    return f"{finding.outcome.upper()} {finding.id}: {finding.kind}, {what}"


def age(finding: Finding) -> str:
    """Say for how long nothing of it has run, and since when."""
    if finding.for_s is None:
        return "age unknown: this kernel has no /proc/PID/sched"
    return f"for {duration(finding.for_s)}, since {finding.since}"


def container_text(container: Container | None) -> str:
    """Name a container by all that is known of it, with where that was read."""
    if container is None:
        return "none found"
    if container.runtime == BELOW:
        return visible(f"none found; {BELOW} {container.id}, {container.evidence}")
    parts = [f"{container.runtime} {container.id}"]
    parts += [f"name {container.name}"] if container.name else []
    parts += [f"image {container.image}"] if container.image else []
    parts += [f"pod {container.pod}"] if container.pod else []
    if container.confirmed:
        return visible(", ".join([*parts, f"by {container.evidence}, which the runtime's own record confirms"]))
    return visible(f"claimed to be {', '.join(parts)}, by {container.evidence}; no record of a runtime confirms it")


def connection_text(stuck: Stuck | None) -> str:
    """Name a FUSE connection, its mount and its waiting requests."""
    if stuck is None:
        return "none found"
    waiting = "unknown" if stuck.waiting is None else str(stuck.waiting)
    where = visible(stuck.point) if stuck.point else "a place that cannot be seen from here"
    return f"{stuck.number} ({visible(stuck.fsname or '?')}), mounted at {where}, waiting requests: {waiting}"


def facts(finding: Finding) -> list[tuple[str, str]]:
    """List the age, the container and the connection of a finding, each under its heading."""
    return [
        ("stuck", age(finding)),
        ("container", container_text(finding.container)),
        ("connection", connection_text(finding.connection)),
    ]


def sections(finding: Finding) -> Iterator[tuple[str, list[Line]]]:
    """List what ends a finding and what its verdict rests on, section by section."""
    verdict = finding.verdict
    snapshot = verdict.snapshots[-1]
    yield f"{verdict.outcome}: {MEANS[verdict.outcome]}", reasons(verdict)
    yield "what ends it" if finding.running else "what would have ended it", remedies(finding)
    if finding.connection is not None and finding.connection.requests:
        yield "requests without an answer", _requests(finding.connection.requests)
    yield "processes", process_lines(snapshot)
    yield "what keeps it", _blockers(finding.blockers)
    yield "who waits for whom", wait_lines(verdict)
    yield "form", checklist(verdict.form)


def remedies(finding: Finding) -> list[Line]:
    """List the remedies, the mildest first."""
    lines: list[Line] = []
    for remedy in finding.remedies:
        action = f"{remedy.action} (loses nothing)" if remedy.lossless else remedy.action
        lines.append((0, f"{action}: {visible(remedy.command)}" if remedy.command else action))
        lines.append((1, visible(remedy.effect)))
    if any(remedy.resolver for remedy in finding.remedies):
        lines.append((0, f"with fusezap, which asks first: fusezap diagnose --resolve {finding.id}"))
    return lines


def aftermath(finding: Finding, remedy: Remedy, came: Aftermath) -> list[str]:
    """Say what an act did to a finding, and to everything else."""
    if came.took_s is None:
        lines = [f"{finding.id} is still there: {remedy.action} did not end it"]
    else:
        lines = [f"{finding.id} is gone, {came.took_s:.2f} s after: {remedy.action}"]
    lines.append(f"  its processes: {_listed('ended', came.ended)}; {_listed('living', came.living)}")
    if came.harmed:
        lines += [f"  at the same time: {visible(each)}" for each in came.harmed[:MOST]]
        lines += [f"  and {len(came.harmed) - MOST} more"] if len(came.harmed) > MOST else []
    else:
        processes, mounts, connections = came.well
        there = f"{processes} process(es), {counted(mounts, 'FUSE mount')}, {counted(connections, 'connection')}"
        lines.append(f"  everything else is as it was: {there}")
    return lines


def _listed(what: str, pids: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, pids[:MOST]))
    more = f" and {len(pids) - MOST} more" if len(pids) > MOST else ""
    return f"{what} {shown}{more}" if pids else f"{what} none"


def _requests(found: tuple[PendingRequest, ...]) -> list[Line]:
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


def wait_title(wait: LongWait) -> str:
    """Name the connection of a long wait, its mount, and who waits for how long."""
    numbers = ", ".join(map(str, wait.connections))
    which = "a connection that cannot be told" if not numbers else f"connection {numbers}"
    if len(wait.connections) > 1:
        which = f"one of the connections {numbers}"
    where = f" ({visible(wait.fsname or '?')}, at {visible(wait.point)})" if wait.point else ""
    first = wait.clients[0]
    who = f"{visible(first.task.comm)} {first.task.tid} of process {first.task.tgid}"
    more = f", and {counted(len(wait.clients) - 1, 'more task')}" if len(wait.clients) > 1 else ""
    return f"{which}{where}: {who} has waited for {duration(first.for_s)}{more}"


def server_lines(wait: LongWait) -> list[str]:
    """Say what each server of a long wait does."""
    lines = []
    for server in wait.servers:
        lines += [f"its server {visible(server.comm)} {server.pid}, {visible(each)}" for each in server.doing]
    return lines or ["its server is not known: no descriptor shows who serves it"]


def waits(diagnosis: Diagnosis) -> list[Line]:
    """List the long waits for servers that live; nothing where there are none."""
    if not diagnosis.waits:
        return []
    counts = "they count" if diagnosis.waits_count else "not counted as stuck: --stuck-for counts them"
    lines: list[Line] = [(0, f"wait long for a FUSE server that lives ({counts})")]
    for wait in diagnosis.waits[:MOST]:
        lines += [(1, wait_title(wait)), *((2, each) for each in server_lines(wait))]
    if len(diagnosis.waits) > MOST:
        lines.append((1, f"and {len(diagnosis.waits) - MOST} more"))
    return lines


def unseen(diagnosis: Diagnosis) -> list[str]:
    """List what could not be read."""
    return [visible(each) for each in (*diagnosis.readings.blind, *diagnosis.readings.unseen)]
