"""A report for KCIDB, the database of kernel test results, in version 5.3 of its I/O schema (`kcidb-io`).

The kernel under test was booted, not built here: its checkout and build are named after what uname(2) says, the same
each time, so that all the reports on one kernel meet there.  What concerns no kernel (a scenario file that could not be
read) has no place in that schema, and is in no document.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from harness.model.records import Kernel, Mark, Report, Series
from harness.report.proof import figures, headline, left_behind, proof
from harness.report.text import folded, plain, visible

SUMMARY = "a KCIDB report (JSON, schema 5.3) for the kernel's database of test results"
ORIGIN = "fusezap"
MAJOR, MINOR = 5, 3
EXCERPT_MAX = 16384
"""maxLength of log_excerpt, in characters."""

_CUT = "[the rest is too long for an excerpt]\n"


def render(report: Report) -> str:
    kernels = tuple(dict.fromkeys(series.kernel for series in report.series))
    document = {
        "version": {"major": MAJOR, "minor": MINOR},
        "checkouts": [_checkout(kernel) for kernel in kernels],
        "builds": [_build(kernel) for kernel in kernels],
        "tests": [_test(report, number, series) for number, series in enumerate(report.series)],
    }
    return json.dumps(document, indent=2) + "\n"


def _id(kernel: Kernel, *parts: str) -> str:
    """Begins with the origin, as every id must; unique by what it is made of, and readable by the release."""
    whole = "\0".join((kernel.release, kernel.version, kernel.machine, *parts))
    digest = hashlib.sha256(whole.encode(errors="backslashreplace")).hexdigest()[:16]
    return f"{ORIGIN}:{re.sub(r'[^a-zA-Z0-9._+~-]', '_', kernel.release)}-{digest}"


def _word(text: str) -> str:
    """As a path's component may be: `^[a-zA-Z0-9_-]+$`; dots are kept out, for they divide a path."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", text) or "_"


def _checkout(kernel: Kernel) -> dict[str, Any]:
    return {
        "id": _id(kernel, "checkout"),
        "origin": ORIGIN,
        "comment": f"the source of the running kernel {_uname(kernel)}",
        "valid": True,
        "misc": _kernel(kernel),
    }


def _build(kernel: Kernel) -> dict[str, Any]:
    return {
        "id": _id(kernel, "build"),
        "checkout_id": _id(kernel, "checkout"),
        "origin": ORIGIN,
        "architecture": re.sub(r"[^a-z0-9_]", "_", kernel.machine.lower()),
        "comment": f"the running kernel {_uname(kernel)}",
        "status": "PASS",
        "misc": _kernel(kernel),
    }


def _test(report: Report, number: int, series: Series) -> dict[str, Any]:
    """`start_time` is the command's: the runs of several scenarios may have been mixed."""
    test = {
        "id": _id(series.kernel, "test", report.started, report.command, str(number), series.about.name),
        "build_id": _id(series.kernel, "build"),
        "origin": ORIGIN,
        "path": f"{ORIGIN}.{_word(series.about.name)}",
        "comment": f"{folded(series.about.name)}: {headline(series)}",
        "status": status(series),
        "start_time": visible(report.started),
        "duration": round(series.duration_s, 3),
        "log_excerpt": _excerpt(series),
        "environment": _environment(series),
        "misc": _misc(report, series),
    }
    if series.latency is not None and series.mark in (Mark.PASS, Mark.FAIL, Mark.REPORTED):
        test["number"] = {"value": round(series.latency.median / 1000, 6), "unit": "s", "prefix": "metric"}
    return test


def status(series: Series) -> str:
    """In the words of the schema: DONE `had not reported the status of the tested code`, which is a behaviour's case;
    MISS `didn't run due to a failure in the test harness`, ERROR `didn't complete`."""
    if series.mark is Mark.UNSURE:
        return "ERROR" if series.runs else "MISS"
    return {Mark.PASS: "PASS", Mark.FAIL: "FAIL", Mark.REPORTED: "DONE", Mark.SKIPPED: "SKIP"}[series.mark]


def _excerpt(series: Series) -> str:
    """Write the figures and as many lines of the proofs as fit; a cut is marked."""
    whole = plain([*figures(series), *(line for result in series.examples for line in proof(result))])
    if len(whole) <= EXCERPT_MAX:
        return whole
    kept = whole[: EXCERPT_MAX - len(_CUT)]
    return kept[: kept.rfind("\n") + 1] + _CUT


def _environment(series: Series) -> dict[str, Any]:
    modes = sorted({result.mode for result in series.examples})
    comment = f"{_uname(series.kernel)}{', ' if modes else ''}{', '.join(modes)}"
    return {"comment": visible(comment), "misc": {**_kernel(series.kernel), "modes": [*map(visible, modes)]}}


def _misc(report: Report, series: Series) -> dict[str, Any]:
    """Without nulls: `no properties can be null`."""
    misc: dict[str, Any] = {
        "fusezap_version": visible(report.version),
        "command": visible(report.command),
        "kind": str(series.about.kind),
        "mark": str(series.mark),
        "want": str(series.about.want),
        "runs": series.runs,
        "confidence": series.confidence,
        "outcomes": [
            {"outcome": str(count.outcome), "times": count.times, "rate_low": count.low, "rate_high": count.high}
            for count in series.counts
        ],
        "missing": [*map(visible, series.missing)],
        "errors": [*map(visible, series.errors)],
        "leftovers": [*map(visible, left_behind(series))],
        "warnings": [*map(visible, series.warnings)],
    }
    if series.latency is not None:
        latency = series.latency
        misc["kill_to_verdict_ms"] = {"median": latency.median, "p95": latency.p95, "maximum": latency.maximum}
    if series.note:
        misc["note"] = visible(series.note)
    return misc


def _kernel(kernel: Kernel) -> dict[str, str]:
    return {
        "release": visible(kernel.release),
        "version": visible(kernel.version),
        "machine": visible(kernel.machine),
    }


def _uname(kernel: Kernel) -> str:
    return visible(f"{kernel.release} {kernel.version} {kernel.machine}")
