"""Metrics in the text format of Prometheus, for the textfile collector of node_exporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from harness.diagnosis.records import Diagnosis, Finding, LongWait
from harness.report.text import visible

SUMMARY = "metrics for node_exporter's textfile collector"


def render(diagnosis: Diagnosis) -> str:
    readings = diagnosis.readings
    by_kind = Counter((str(each.outcome), each.kind) for each in diagnosis.findings)
    parts = [
        _metric("fusezap_findings", "Number of findings, by outcome and kind.", (
            ({"outcome": outcome, "kind": kind}, times) for (outcome, kind), times in sorted(by_kind.items())
        )),
        _metric("fusezap_stuck_seconds", "How long no task of a finding has run; NaN where unknown.", (
            (_labels(each), "NaN" if each.for_s is None else round(each.for_s, 3)) for each in diagnosis.findings
        )),
        _metric("fusezap_stuck_tasks", "Tasks that keep a finding from ending.", (
            ({"id": each.id}, len(each.blockers)) for each in diagnosis.findings
        )),
        _metric("fusezap_long_waits", "Tasks that wait long for a FUSE server that lives, by connection.", (
            (_of_wait(each), len(each.clients)) for each in diagnosis.waits
        )),
        _metric("fusezap_long_wait_seconds", "The longest of these waits.", (
            (_of_wait(each), round(each.clients[0].for_s, 3)) for each in diagnosis.waits
        )),
        _metric("fusezap_diagnose_status", "0: nothing is stuck, 1: something is stuck, 2: unknown.", (
            ({}, diagnosis.status),
        )),
        _metric("fusezap_diagnose_unseen", "Kinds of readings that were unavailable.", (
            ({}, len(readings.blind) + len(readings.unseen)),
        )),
        _metric("fusezap_diagnose_tasks", "Tasks of the machine.", (({}, readings.tasks),)),
        _metric("fusezap_diagnose_duration_seconds", "Duration of the scan.", (({}, round(readings.duration_s, 4)),)),
    ]  # fmt: skip
    return "".join(parts)


def _labels(finding: Finding) -> dict[str, str]:
    container = finding.container
    return {
        "id": finding.id,
        "outcome": str(finding.outcome),
        "kind": finding.kind,
        "init_pid": str(finding.init_pid or ""),
        "connection": "" if finding.connection is None else str(finding.connection.number),
        "runtime": container.runtime if container else "",
        "container": container.id if container else "",
        "confirmed": str(container.confirmed).lower() if container else "",
        "name": (container.name if container else None) or "",
        "pod": (container.pod if container else None) or "",
    }


def _of_wait(wait: LongWait) -> dict[str, str]:
    return {"connections": ",".join(map(str, wait.connections)), "fsname": wait.fsname or "", "mount": wait.point or ""}


def _metric(name: str, about: str, samples: Iterable[tuple[Mapping[str, str], object]]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inner}}} {value}" if inner else f"{name} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"')
