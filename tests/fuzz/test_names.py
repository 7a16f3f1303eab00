"""Names that others choose, in every format: a terminal gets nothing that it obeys, and every document still parses."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

import lxml.etree
import lxml.html
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from harness import registry
from harness.diagnosis import formats as diagnosis_formats
from harness.diagnosis.records import Diagnosis
from harness.model.records import Report
from harness.report import formats as report_formats
from harness.runtimes import formats as runtimes_formats
from harness.runtimes.records import RuntimesReport as RuntimesReport
from tests.unit.diagnosis.test_findings import DIAGNOSIS
from tests.unit.results import report_of, series_of
from tests.unit.runtimes.test_runtimes import report as runtimes_report

FOREIGN = frozenset(
    {
        *("comm", "fsname", "point", "id", "name", "image", "pod", "evidence", "release", "version", "frozen", "wchan"),
        *("waits_for", "path", "taken", "note", "errors", "warnings", "missing"),
        *("leftovers", "unseen", "blind", "package"),
        *("words", "state", "function", "lost", "versions"),
    }
)
"""Fields of records that hold what others have chosen."""
PIECES = (
    *("\x1b[2J", "\x1b]0;title\x07", "\r", "\n", "\t", "\x00", "\x0b", "\x85", "\u2028", "\u2029", "\u202e", "\u2066"),
    *("\u200b", "\ufeff", "\udcff", "\ud800", "\ufffe", "\N{GRINNING FACE}", "e\u0301", "<evil onload=x>", "</script>"),
    *(
        "]]>",
        "&amp;",
        '"',
        "'",
        "\\",
        "|",
        "`",
        "*",
        "{{ 7 * 7 }}",
        ":skull:",
        "[red]",
        "%s",
        "not ok 1",
        "# SKIP",
        "x;touch y;#",
        " ",
        "a" * 300,
    ),
)
NAMES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
TEXTS = ("terminal", "line", "markdown", "table", "ktap")


def renamed(value: Any, name: str, field: str = "") -> Any:
    """A record with every foreign name in it replaced, those of scenarios and findings excepted: they are ours."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value).__name__
        changes = {
            each.name: renamed(getattr(value, each.name), name, each.name)
            for each in fields(value)
            if not (
                kind in ("About", "Finding", "Node", "Check", "Subject", "Operation") and each.name in ("id", "name")
            )
            and not (kind in ("Diagnosis", "Report", "RuntimesReport") and each.name == "version")
            and not (each.name == "state" and kind not in ("ProcessRow", "Recovery"))
        }
        return replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(renamed(each, name, field) for each in value)
    return name if type(value) is str and field in FOREIGN else value


def shown(text: str) -> str:
    return "".join(sorted({each for each in text if not each.isprintable() and each not in "\n\t"}))


def assert_safe(format_name: str, text: str) -> None:
    assert shown(text) in ("", "\x1b") if format_name == "trace" else not shown(text), (format_name, shown(text))
    if format_name in ("json", "kcidb", "trace"):
        json.loads(text)
    elif format_name == "jsonl":
        for line in text.split("\n"):
            assert not line or json.loads(line)
    elif format_name == "junit":
        lxml.etree.fromstring(text.encode())
    elif format_name == "html":
        page = lxml.html.document_fromstring(text)
        assert page.xpath("//evil") == []
        assert page.xpath("//*[@onload='x']") == []
    elif format_name == "prometheus":
        assert list(text_string_to_metric_families(text))


@pytest.mark.parametrize("format_name", registry.names(diagnosis_formats))
@given(name=NAMES)
@example(name="".join(PIECES))
@settings(max_examples=25)
def test_a_diagnosis(format_name: str, name: str) -> None:
    diagnosis: Diagnosis = renamed(DIAGNOSIS, name)
    assert_safe(format_name, registry.module(diagnosis_formats, format_name, "render").render(diagnosis))


@pytest.mark.parametrize("format_name", registry.names(report_formats))
@given(name=NAMES)
@example(name="".join(PIECES))
@settings(max_examples=25)
def test_a_report(format_name: str, name: str) -> None:
    report: Report = renamed(report_of(series_of("exit-flush-self"), series_of("healthy")), name)
    assert_safe(format_name, registry.module(report_formats, format_name, "render").render(report))


@pytest.mark.parametrize("format_name", registry.names(runtimes_formats))
@given(name=NAMES)
@example(name="".join(PIECES))
@example(name="=cmd|' /C calc'!A0")
@settings(max_examples=25)
def test_answers_of_runtimes(format_name: str, name: str) -> None:
    report: RuntimesReport = renamed(runtimes_report(), name)
    text = registry.module(runtimes_formats, format_name, "render").render(report)
    assert_safe(format_name, text)
    if format_name == "csv":
        rows = list(csv.reader(io.StringIO(text)))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row), "no formula"


@pytest.mark.parametrize("format_name", ["terminal", "markdown", "json"])
def test_a_name_that_is_markup_elsewhere_stays_as_it_is(format_name: str) -> None:
    """`:skull:` is a sign to Rich, and a name to a shell that the command is pasted into."""
    report: Report = renamed(report_of(series_of("exit-flush-self")), ":skull:[red]")
    text = registry.module(report_formats, format_name, "render").render(report)
    assert ":skull:" in text
    assert "\N{SKULL}" not in text
