"""The list of known failures and the last run, written and read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.catalogue import catalogue
from harness.errors import UsageError
from harness.model.terms import Outcome
from harness.suite.assess import assess
from harness.suite.case import Before, Case, CaseResult, Known, Status, SuiteReport
from harness.suite.history import Last, read_last, write_last
from harness.suite.known import read_known, written
from tests.unit.results import series_of

SELF = Case(catalogue()["exit-flush-self"], (Outcome.RELEASED,))
HEALTHY = Case(catalogue()["healthy"], (Outcome.RELEASED,))


def results(*known: Known) -> tuple[CaseResult, ...]:
    return tuple(assess(each, "host", series_of(each.name), known, None) for each in (SELF, HEALTHY))


def report(*found: CaseResult) -> SuiteReport:
    return SuiteReport("suite", "fusezap suite suite", "1", "2026-01-31T12:00:00Z", 1.5, found)


def test_a_list_that_was_written_makes_the_next_run_pass(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text(written(results()))
    (entry,) = read_known(file)
    assert entry == Known("exit-flush-self", (Outcome.DEADLOCK,), "host")
    assert [each.status for each in results(entry)] == [Status.KNOWN, Status.PASS]


def test_a_list_keeps_its_reasons_and_forgets_what_is_fixed(tmp_path: Path) -> None:
    reason = 'not "fixed" \\ yet\n'
    file = tmp_path / "known.toml"
    file.write_text(
        written(results(Known("exit-*", (Outcome.DEADLOCK,), reason=reason), Known("healthy", (Outcome.STARVED,))))
    )
    (entry,) = read_known(file)
    assert entry.reason == reason
    file.write_text(written(results()[1:]))
    assert read_known(file) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[known]]", "`case` is a name"),
        ('[[known]]\ncase = "x"', "`outcomes` is an outcome"),
        ('[[known]]\ncase = "x"\noutcomes = "hang"', "unknown outcome hang"),
        ('[[known]]\ncase = "x"\noutcomes = "deadlock"\nkernels = "*"', "unknown key kernels"),
        ("known = 1", "[[known]] tables"),
        ("[x]", "[[known]] tables"),
        ("\x00", "known.toml:"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"known\.toml:") as error:
        read_known(file)
    assert message in str(error.value)


def test_a_list_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_known(tmp_path / "none")


def test_the_last_run_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "last.json"
    assert read_last(file) == Last("", {})
    write_last(file, report(*results()), Last("", {}))
    last = read_last(file)
    assert last.started == "2026-01-31T12:00:00Z"
    assert last.results["exit-flush-self", "host"] == Before(Status.FAIL, {"deadlock": 1})
    assert last.results["healthy", "host"] == Before(Status.PASS, {"released": 1})


def test_a_run_of_some_cases_leaves_the_others_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "last.json"
    write_last(file, report(*results()), Last("", {}))
    last = read_last(file)
    write_last(file, report(results()[1]), last)
    assert read_last(file).results.keys() == {("exit-flush-self", "host"), ("healthy", "host")}
    write_last(file, replace(report(results()[1]), gone=("exit-flush-self",)), last)
    assert read_last(file).results.keys() == {("healthy", "host")}


def test_a_case_that_the_suite_has_no_more_is_gone() -> None:
    last = Last("", {("old", "host"): Before(Status.PASS, {}), ("healthy", "other"): Before(Status.PASS, {})})
    assert last.gone([HEALTHY], ["host"]) == ("old",)
    assert last.gone([HEALTHY], ["other"]) == ()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"started": "", "results": [1]}', '{"started":"","results":{"a":1}}']
)
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "last.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="is no result"):
        read_last(file)
