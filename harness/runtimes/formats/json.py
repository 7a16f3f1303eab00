"""One JSON document: the records as they are."""

from __future__ import annotations

import json
from dataclasses import asdict

from harness.runtimes.records import RuntimesReport

SCHEMA_VERSION = 1
SUMMARY = "one document, the records as they are"


def render(report: RuntimesReport) -> str:
    subjects = [{**asdict(each), "good": each.good} for each in report.subjects]
    return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(report), "subjects": subjects}, indent=2) + "\n"
