"""KCIDB: by the validator of kcidb-io, which the database itself uses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from kcidb_io.schema import LATEST  # type: ignore[import-untyped]

from harness.model.records import Mark, Report, Series
from harness.report.formats.kcidb import EXCERPT_MAX, MAJOR, MINOR, render, status
from tests.unit.report.test_ktap import AGAIN, KINDS, not_armed, with_result
from tests.unit.results import KERNELS, WARNINGS, lost_series, report_of, series_of


def document(report: Report) -> dict[str, Any]:
    text = render(report)
    assert text.isascii()
    parsed: dict[str, Any] = json.loads(text)
    json.dumps(parsed, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    LATEST.validate(parsed)
    return parsed


def test_the_version_is_the_one_that_it_is_checked_by() -> None:
    assert (LATEST.major, LATEST.minor) == (MAJOR, MINOR)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_valid(kind: str) -> None:
    parsed = document(KINDS[kind])
    assert LATEST.is_compatible_directly(parsed)
    assert len(parsed["tests"]) == len(KINDS[kind].series)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_unique_and_lead_somewhere(kind: str) -> None:
    parsed = document(KINDS[kind])
    ids = {what: [each["id"] for each in parsed[what]] for what in ("checkouts", "builds", "tests")}
    for each in ids.values():
        assert len(set(each)) == len(each)
    assert {build["checkout_id"] for build in parsed["builds"]} == set(ids["checkouts"])
    assert {test["build_id"] for test in parsed["tests"]} == set(ids["builds"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_report_gives_the_same_text(kind: str) -> None:
    assert render(KINDS[kind]) == render(AGAIN[kind])


def test_one_kernel_is_one_build_whatever_ran_on_it() -> None:
    one, other = document(KINDS["mixed"]), document(KINDS["two outcomes"])
    assert one["builds"] == other["builds"]
    assert {test["id"] for test in one["tests"]}.isdisjoint(test["id"] for test in other["tests"])
    later = document(replace(KINDS["mixed"], started="2026-11-25T00:00:00Z"))
    assert {test["id"] for test in one["tests"]}.isdisjoint(test["id"] for test in later["tests"])
    assert len(document(KINDS["two kernels"])["builds"]) == 2


def test_the_deadlock_in_it() -> None:
    parsed = document(KINDS["mixed"])
    test = parsed["tests"][0]
    assert test["path"] == "fusezap.exit-flush-self"
    assert test["comment"] == "exit-flush-self: deadlock in 200 of 200 runs"
    assert (test["start_time"], test["duration"]) == ("2026-11-24T01:30:00Z", 40.0)
    assert test["misc"]["outcomes"] == [{"outcome": "deadlock", "times": 200, "rate_low": 0.025, "rate_high": 1.0}]
    assert test["number"] == {"value": 0.01425, "unit": "s", "prefix": "metric"}
    assert "waits for python 7317: the cycle closes here" in test["log_excerpt"]
    assert test["environment"]["comment"] == "6.18.44 #1 SMP PREEMPT_DYNAMIC x86_64, root"
    assert parsed["builds"][0]["architecture"] == "x86_64"
    assert re.fullmatch(r"fusezap:6\.18\.44-[0-9a-f]{16}", parsed["builds"][0]["id"])


def test_a_build_for_each_kernel() -> None:
    parsed = document(KINDS["matrix"])
    assert [build["misc"]["release"] for build in parsed["builds"]] == [kernel.release for kernel in KERNELS]
    by_build = [[test["build_id"] for test in parsed["tests"]].count(build["id"]) for build in parsed["builds"]]
    assert by_build == [4, 4, 3]


def test_a_lost_machine_and_a_warning() -> None:
    lost, healthy = document(KINDS["lost"])["tests"]
    assert lost["status"] == "ERROR"
    assert "Kernel panic - not syncing" in lost["log_excerpt"]
    assert (healthy["status"], healthy["misc"]["warnings"]) == ("PASS", list(WARNINGS))
    assert healthy["comment"] == "healthy: released in 1 of 1 runs; 2 warnings of the kernel"


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (series_of("exit-flush-self"), "FAIL"),
        (series_of("healthy"), "PASS"),
        (series_of("server-stopped"), "DONE"),
        (replace(series_of("healthy"), mark=Mark.SKIPPED, counts=()), "SKIP"),
        (replace(series_of("healthy"), mark=Mark.UNSURE), "ERROR"),
        (not_armed(), "MISS"),
        (lost_series("healthy"), "ERROR"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_status(series: Series, expected: str) -> None:
    assert status(series) == expected
    (test,) = document(report_of(series))["tests"]
    assert test["status"] == expected
    assert ("number" in test) == (expected in ("FAIL", "PASS", "DONE"))


def test_an_excerpt_is_cut_at_the_end_of_a_line_and_marked() -> None:
    series = series_of("exit-flush-self")
    result = series.examples[0]
    reasons = tuple(f"reason {number} {'x' * 100}" for number in range(1000))
    long = with_result(series, replace(result, verdict=replace(result.verdict, reasons=reasons)))
    (test,) = document(report_of(long))["tests"]
    excerpt = test["log_excerpt"]
    assert EXCERPT_MAX - 200 < len(excerpt) <= EXCERPT_MAX
    *lines, last = excerpt.splitlines()
    assert last == "[the rest is too long for an excerpt]"
    assert lines[-1].endswith("xxx")


def test_hostile_names_are_text() -> None:
    (test,) = document(KINDS["hostile"])["tests"]
    assert "\0" not in test["log_excerpt"]
    assert r"<b>&# SKIP *x*\x1b[2J\x0a\udcff\x00| `y` 7317" in test["log_excerpt"]
