"""The JSON document of a suite's results, which the next run is compared with; its schema is `suite.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.suite.case import Before, CaseResult, SuiteReport

SUMMARY = "one document, with a schema (harness/suite/formats/suite.schema.json)"
SCHEMA_VERSION = 1


def render(report: SuiteReport, kept: Mapping[tuple[str, str], Before] | None = None) -> str:
    """Render the results.

    Args:
        report: The run.
        kept: Results of earlier runs that go along, by case and kernel.
    """
    results = [_result(each) for each in report.results]
    results += [
        {
            "case": case,
            "kernel": spec,
            "status": before.status,
            "outcomes": {name: {"times": times} for name, times in before.outcomes.items()},
        }
        for (case, spec), before in (kept or {}).items()
    ]
    document = {
        "schema_version": SCHEMA_VERSION,
        "fusezap": report.version,
        "suite": report.folder,
        "command": report.command,
        "started": report.started,
        "duration_s": round(report.duration_s, 3),
        "good": report.good,
        "results": results,
        "errors": list(report.errors),
        "last": report.last or None,
        "gone": list(report.gone),
    }
    return json.dumps(document, indent=2) + "\n"


def _result(result: CaseResult) -> dict[str, Any]:
    before = result.before
    found: dict[str, Any] = {
        "case": result.case.name,
        "kernel": result.spec,
        "status": result.status,
        "expect": list(result.case.expect),
        "outcomes": {
            each.outcome: {"times": each.times, "low": round(each.low, 4), "high": round(each.high, 4)}
            for each in result.outcomes
        },
        "why": result.why,
        "known": None if result.known is None else result.known.reason,
        "before": None if before is None else {"status": before.status, "outcomes": before.outcomes},
    }
    if result.series is not None:
        examples = {each.verdict.outcome: list(each.verdict.reasons) for each in result.series.examples}
        found |= {
            "release": result.series.kernel.release,
            "reasons": examples,
            "errors": list(result.series.errors),
            "warnings": list(result.series.warnings),
            "duration_s": round(result.series.duration_s, 3),
        }
    return found
