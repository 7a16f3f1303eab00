"""A suite's results in every format: all are read by somebody else's reader, and foreign text is no markup."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import registry
from harness.catalogue import catalogue
from harness.model.records import Series
from harness.model.terms import Outcome
from harness.suite import formats
from harness.suite.assess import assess
from harness.suite.case import Before, Case, Known, Status, SuiteReport
from tests.schema import validate
from tests.unit.results import differing_series, not_armed_series, series_of, skipped_series

SCHEMA = Path(formats.__file__).with_name("suite.schema.json")
EXPECT = {"nested-fsync": (Outcome.DEADLOCK,)}


def case(name: str) -> Case:
    return Case(catalogue()[name], EXPECT.get(name, (Outcome.RELEASED,)))


def report(reason: str = "not fixed", spec: str = "host") -> SuiteReport:
    """A case of each status."""
    known = (Known("exit-flush-self", (Outcome.DEADLOCK,), reason=reason), Known("healthy", (Outcome.STARVED,)))
    before = Before(Status.PASS, {"released": 1})
    runs: list[tuple[Series, tuple[Known, ...], Before | None]] = [
        (series_of("exit-flush-self"), known, before),
        (series_of("healthy"), known, None),
        (series_of("nested-fsync"), (), None),
        (differing_series("exit-flush-nested-namespace", wrong=1, right=19), (), before),
        (skipped_series("frozen-cgroup"), (), None),
        (not_armed_series("read-self"), (), None),
    ]
    results = tuple(assess(case(series.about.name), spec, series, entries, last) for series, entries, last in runs)
    return SuiteReport(
        "dir", f"fusezap suite {reason}", "1", "2026-01-31T12:00:00Z", 2.5, results, (reason,), "2026-01-30"
    )


def rendered(name: str, found: SuiteReport) -> str:
    text: str = registry.chosen(formats, "format", name, "render").render(found)
    return text


def test_it_has_every_status() -> None:
    assert {each.status for each in report().results} == set(Status)


def test_json_follows_its_schema() -> None:
    document = json.loads(rendered("json", report()))
    validate(document, SCHEMA)
    first = document["results"][0]
    assert (first["status"], first["known"], first["outcomes"]["deadlock"]["times"]) == ("known", "not fixed", 1)
    assert first["before"] == {"status": "pass", "outcomes": {"released": 1}}
    assert not document["good"]


def test_junit_counts_what_failed() -> None:
    root = ElementTree.fromstring(rendered("junit", report()))
    numbers = {name: int(root.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": 7, "failures": 2, "errors": 2, "skipped": 2}
    assert len(root.findall(".//testcase")) == 7


def test_ktap_passes_what_is_known() -> None:
    text = rendered("ktap", report())
    assert "  ok 1 exit-flush-self # XFAIL deadlock, expected released; known: not fixed; was released\n" in text
    assert "  ok 5 frozen-cgroup # SKIP missing: " in text
    assert "  not ok 4 exit-flush-nested-namespace # " in text
    assert "\nnot ok 1 host\n" in text
    assert "\nnot ok 2 kernels # ERROR" in text


def test_the_terminal_shows_reasons_of_failures_alone() -> None:
    lines = rendered("terminal", report()).splitlines()
    failed = next(number for number, line in enumerate(lines) if line.startswith("fail "))
    assert "deadlock 1 of 20" in lines[failed]
    assert lines[failed + 1].startswith("    deadlock: ")
    known = next(number for number, line in enumerate(lines) if line.startswith("known "))
    assert not lines[known + 1].startswith(" ")
    assert lines[-1].startswith(
        "1 pass, 1 fail, 1 known, 1 changed, 1 unsure, 1 skipped, 1 error in 2.5 s; 2 of 6 differ"
    )


def test_a_good_suite_is_good_in_all() -> None:
    good = replace(report(), results=report().results[:1], errors=())
    assert good.good
    assert json.loads(rendered("json", good))["good"]
    assert "not ok" not in rendered("ktap", good)
    assert not ElementTree.fromstring(rendered("junit", good)).findall(".//failure")


@pytest.mark.parametrize("name", registry.names(formats))
@settings(max_examples=60, deadline=None)
@given(foreign=st.text(max_size=60))
def test_foreign_text_is_shown_and_not_obeyed(name: str, foreign: str) -> None:
    text = rendered(name, report(reason=foreign, spec=f"x{foreign}"))
    assert all(each.isprintable() or each == "\n" for each in text)
    if name == "json":
        validate(json.loads(text), SCHEMA)
    if name == "junit":
        assert len(ElementTree.fromstring(text).findall(".//testcase")) == 7
    if name == "ktap":
        assert sum(line.lstrip().startswith(("ok ", "not ok ")) for line in text.split("\n")) == 8
    if name == "markdown":
        assert text.count("\n| ") == 7
        assert "<" not in text
