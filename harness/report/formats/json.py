"""The JSON document of `run`; its schema is `result.schema.json` beside this file."""

from __future__ import annotations

import json
from typing import Any

from harness.model.records import Check, Report, Result, Series, Task, Verdict
from harness.record import asdict
from harness.report.cells import kernel_names, kernels_of
from harness.report.verdict_records import graph_record, proof_record

SCHEMA_VERSION = 1


SUMMARY = "one document, with a schema (harness/report/result.schema.json)"


def render(report: Report) -> str:
    return json.dumps(document(report), indent=2) + "\n"


def render_verdict(verdict: Verdict, form: tuple[Check, ...]) -> str:
    """Render the verdict of `judge` on a recording."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **_verdict(verdict, form)}, indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Make the document: `results` has the first run of each outcome, `series` counts all runs."""
    return {
        "schema_version": SCHEMA_VERSION,
        "command": report.command,
        "fusezap": report.version,
        "started": report.started,
        "duration_s": report.duration_s,
        "results": [result_record(result) for series in report.series for result in series.examples],
        "series": [series_record(series) for series in report.series],
        "errors": [*report.errors, *_errors(report)],
    }


def _errors(report: Report) -> list[str]:
    names = kernel_names(kernels_of(report.series))
    return [
        f"{series.about.name}{f' under {names[series.kernel]}' if len(names) > 1 else ''}: {error}"
        for series in report.series
        for error in series.errors
    ]


def result_record(result: Result) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "scenario": result.about.name,
        "kind": result.about.kind.value,
        "kernel": asdict(result.kernel),
        **_verdict(verdict, verdict.form),
        "mode": result.mode,
        "attempts": [asdict(attempt) for attempt in result.attempts],
        "resolution": None if result.resolution is None else asdict(result.resolution),
        "timings_ms": asdict(result.timings),
        "leftovers": list(result.leftovers),
    }


def series_record(series: Series) -> dict[str, Any]:
    return {
        "scenario": series.about.name,
        "kind": series.about.kind.value,
        "want": series.about.want.value,
        "kernel": asdict(series.kernel),
        "mark": series.mark.value,
        "runs": series.runs,
        "counts": [{**asdict(count), "outcome": count.outcome.value} for count in series.counts],
        "confidence": series.confidence,
        "latency_ms": None if series.latency is None else asdict(series.latency),
        "errors": list(series.errors),
        "warnings": list(series.warnings),
        "leftovers": list(series.leftovers),
        "missing": list(series.missing),
        "note": series.note,
        "duration_s": series.duration_s,
    }


def _verdict(verdict: Verdict, form: tuple[Check, ...]) -> dict[str, Any]:
    snapshot = verdict.snapshots[-1] if verdict.snapshots else None
    return {
        "outcome": verdict.outcome.value,
        **proof_record(verdict),
        "reasons": list(verdict.reasons),
        "form": [asdict(check) for check in form],
        "connection": verdict.connection,
        "wait_graph": graph_record(verdict),
        "tasks": [_task(task) for task in snapshot.tasks] if snapshot else [],
        "unseen": list(snapshot.unseen) if snapshot else [],
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "tid": task.tid,
        "tgid": task.tgid,
        "ppid": task.ppid,
        "comm": task.comm,
        "state": task.state,
        "exiting": task.exiting,
        "pending": f"{task.pending:x}",
        "shared_pending": f"{task.shared_pending:x}",
        "wchan": task.wchan,
        "stack": None if task.stack is None else list(task.stack),
    }
