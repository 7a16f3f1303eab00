"""JUnit XML, by another reader of the format."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import junitparser
import pytest

from harness.model.records import Count, Outcome, Report
from harness.report.formats.junit import render
from tests.unit.report.test_ktap import AGAIN, KINDS
from tests.unit.results import WARNINGS, report_of, series_of


def parsed(report: Report) -> ElementTree.Element:
    return ElementTree.fromstring(render(report).encode())


def case(report: Report, name: str) -> ElementTree.Element:
    (found,) = [each for each in parsed(report).iter("testcase") if each.get("name") == name]
    return found


def child(element: ElementTree.Element, tag: str) -> ElementTree.Element:
    found = element.find(tag)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_another_reader_counts_the_same(kind: str) -> None:
    report = KINDS[kind]
    read = junitparser.JUnitXml.fromstring(render(report).encode())
    marks = [str(series.mark) for series in report.series]
    suites = list(read)
    assert sum(len(list(suite)) for suite in suites) == len(marks) + bool(report.errors)
    assert sum(suite.failures for suite in suites) == marks.count("fail") == read.failures
    assert sum(suite.errors for suite in suites) == marks.count("unsure") + bool(report.errors) == read.errors
    assert sum(suite.skipped for suite in suites) == marks.count("skipped")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_report_gives_the_same_text(kind: str) -> None:
    assert render(KINDS[kind]) == render(AGAIN[kind])


def test_a_failure_holds_the_whole_proof() -> None:
    hang = case(KINDS["mixed"], "exit-flush-self")
    assert (hang.get("classname"), hang.get("time")) == ("fusezap.defect", "40.000")
    failure = child(hang, "failure")
    assert failure.get("message") == "deadlock in 200 of 200 runs; a kernel free of the defect comes to released"
    assert failure.get("type") == "deadlock"
    text = failure.text or ""
    for expected in (
        "deadlock: 200 of 200 runs",
        "the knot, in which each waits for all the others",
        "      python 7314 Z (zombie, 2 threads)",
        "    request_wait_answer+0x151/0x210",
        "waits for python 7317: the cycle closes here",
        "[x] exactly one live task remains beside init",
        "abort: echo 1 > /sys/fs/fuse/connections/41/abort: gone after 0.61 ms",
    ):
        assert expected in text


def test_the_other_marks() -> None:
    mixed = KINDS["mixed"]
    assert [each.tag for each in case(mixed, "healthy")] == ["system-out"]
    assert child(case(mixed, "exit-flush-peer-outside"), "skipped").get("message") == "missing: root"
    stopped = case(mixed, "server-stopped")
    assert [each.tag for each in stopped] == ["system-out"]
    assert "could still end it: state T" in (child(stopped, "system-out").text or "")
    error = child(case(KINDS["not armed"], "healthy"), "error")
    assert (error.get("message") or "").startswith(
        "no run came to an outcome; not armed: the mount did not answer within 10 s"
    )
    assert "left behind: a mount at /run/x" in (child(case(KINDS["left behind"], "healthy"), "error").text or "")


def test_a_suite_for_each_kernel() -> None:
    suites = parsed(KINDS["two kernels"]).findall("testsuite")
    assert [(suite.get("name"), suite.get("tests")) for suite in suites] == [
        ("fusezap on 6.18.44", "2"),
        ("fusezap on 6.1.0-49-amd64", "1"),
    ]
    assert {suite.get("timestamp") for suite in suites} == {"2026-11-24T01:30:00"}


def test_cases_of_several_kernels_are_kept_apart() -> None:
    cases = [*parsed(KINDS["matrix"]).iter("testcase")]
    named = {(each.get("classname"), each.get("name")) for each in cases}
    assert len(named) == len(cases) == 11
    assert ("fusezap.6_12_43+deb13-amd64.defect", "exit-flush-self") in named


def test_a_lost_machine_is_an_error() -> None:
    lost, healthy = parsed(KINDS["lost"]).iter("testcase")
    error = child(lost, "error")
    assert (error.get("type"), error.get("message")) == (
        "lost-vm",
        "lost-vm in 1 of 1 runs; a kernel free of the defect comes to released",
    )
    assert "\n    [    3.109120] Kernel panic - not syncing: Fatal exception in interrupt\n" in (error.text or "")
    assert [each.tag for each in healthy] == ["system-out"]
    assert f"the kernel's log: {WARNINGS[0]}" in (child(healthy, "system-out").text or "")


def test_a_failure_is_not_named_after_what_was_lost() -> None:
    """A machine that was lost more often than the defect was seen."""
    hang = series_of("exit-flush-self")
    counts = (Count(Outcome.LOST_VM, 3, 0.1, 0.9), Count(Outcome.DEADLOCK, 1, 0.1, 0.9))
    failure = child(case(report_of(replace(hang, counts=counts)), "exit-flush-self"), "failure")
    assert failure.get("type") == "deadlock"


def test_the_properties() -> None:
    (suite,) = parsed(KINDS["two outcomes"]).findall("testsuite")
    found = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert found["kernel.release"] == "6.18.44"
    assert found["fusezap.version"] == "0.1.0"
    assert found["exit-flush-self.runs"] == "200"
    assert found["exit-flush-self.outcome.deadlock"] == "199"
    assert found["exit-flush-self.outcome.released"] == "1"
    assert float(found["exit-flush-self.latency-ms.median"] or "") > 0


def test_a_file_that_could_not_be_read_is_an_error() -> None:
    error = child(case(KINDS["files"], "scenario files"), "error")
    assert error.text == "scenarios/x.py: no SCENARIO\n"


def test_hostile_names_are_text() -> None:
    text = render(KINDS["hostile"])
    assert "<b>" not in text
    hang = case(KINDS["hostile"], "exit-flush-self")
    assert [each.tag for each in hang] == ["failure", "system-out"]
    assert r"<b>&# SKIP *x*\x1b[2J\x0a\udcff\x00| `y` 7317" in (child(hang, "failure").text or "")


def test_an_output_gives_no_orders() -> None:
    """Jenkins attaches the file that `[[ATTACHMENT|path]]` in an output names."""
    report = report_of(series_of("healthy"))
    assert "[[" not in render(Report("[[ATTACHMENT|/x]]", *("0", "[[", 0.0), report.series, ("[[ATTACHMENT|/x]]",)))
