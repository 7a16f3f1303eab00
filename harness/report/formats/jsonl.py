"""One JSON object a line: each run as it ends (`"type": "run"`), then each series (`"type": "series"`).

The first run of each outcome is written in full, as in the JSON document; the others have no evidence.
"""

from __future__ import annotations

import json

from harness.model.records import Report, Result
from harness.report.formats.json import result_record, series_record

SUMMARY = "one JSON line for each run as it ends, then one for each scenario"


def render(report: Report) -> str:
    """Render the runs that a report holds, then its series."""
    lines = [line(result) for series in report.series for result in series.examples]
    return "".join(lines) + summary(report)


def line(result: Result) -> str:
    return json.dumps({"type": "run", **result_record(result)}) + "\n"


def summary(report: Report) -> str:
    records: list[dict[str, object]] = [{"type": "series", **series_record(series)} for series in report.series]
    records += [{"type": "error", "message": message} for message in report.errors]
    return "".join(json.dumps(record) + "\n" for record in records)
