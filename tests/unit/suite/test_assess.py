"""The assessment of the runs of a case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.catalogue import catalogue
from harness.model.terms import Outcome
from harness.suite.assess import assess, rates
from harness.suite.case import Before, Case, Known, Status
from tests.unit.results import differing_series, lost_series, not_armed_series, series_of, skipped_series

NAME = "exit-flush-self"
DEADLOCK, RELEASED = Outcome.DEADLOCK, Outcome.RELEASED
KNOWN = Known(NAME, (DEADLOCK,), reason="not fixed")


def case(*expect: Outcome) -> Case:
    return Case(catalogue()[NAME], expect or (RELEASED,))


@pytest.mark.parametrize(
    ("expect", "known", "status"),
    [
        ((DEADLOCK,), (), Status.PASS),
        ((RELEASED, DEADLOCK), (), Status.PASS),
        ((RELEASED,), (), Status.FAIL),
        ((RELEASED,), (KNOWN,), Status.KNOWN),
        ((RELEASED,), (replace(KNOWN, case="exit-*", kernel="host"),), Status.KNOWN),
        ((RELEASED,), (replace(KNOWN, kernel="6.18.*"),), Status.KNOWN),
        ((RELEASED,), (replace(KNOWN, kernel="debian:*"),), Status.FAIL),
        ((RELEASED,), (replace(KNOWN, case="other"),), Status.FAIL),
        ((RELEASED,), (replace(KNOWN, outcomes=(Outcome.STARVED,)),), Status.CHANGED),
        ((DEADLOCK,), (replace(KNOWN, outcomes=(Outcome.STARVED,)),), Status.CHANGED),
    ],
)
def test_a_deadlock(expect: tuple[Outcome, ...], known: tuple[Known, ...], status: Status) -> None:
    result = assess(case(*expect), "host", series_of(NAME), known, None)
    assert result.status is status
    assert bool(result.why) is (status is not Status.PASS)


def test_a_known_failure_says_why_it_is_known() -> None:
    assert (
        assess(case(), "host", series_of(NAME), (KNOWN,), None).why == "deadlock, expected released; known: not fixed"
    )


def test_one_failure_in_many_runs_is_a_failure_with_its_rate() -> None:
    result = assess(case(), "host", differing_series(NAME, wrong=1, right=19), (), None)
    assert result.status is Status.FAIL
    assert "deadlock 1 of 20 (10 to 90 %)" in result.why


def test_a_known_failure_that_fails_at_times_only_has_changed() -> None:
    series = differing_series(NAME, wrong=1, right=19)
    assert assess(case(), "host", series, (KNOWN,), None).status is Status.CHANGED
    flaky = replace(KNOWN, outcomes=(DEADLOCK, RELEASED))
    assert assess(case(), "host", series, (flaky,), None).status is Status.KNOWN
    assert assess(case(), "host", series_of("healthy"), (replace(flaky, case="*"),), None).status is Status.PASS


def test_what_comes_to_no_conclusion_is_unsure() -> None:
    assert assess(case(), "host", not_armed_series(NAME), (KNOWN,), None).status is Status.UNSURE
    assert assess(case(), "host", lost_series(NAME), (KNOWN,), None).status is Status.UNSURE
    assert assess(case(), "host", None, (KNOWN,), None).status is Status.UNSURE
    assert assess(case(Outcome.LOST_VM), "host", lost_series(NAME), (), None).status is Status.PASS


def test_what_is_left_behind_fails_and_is_never_known() -> None:
    series = replace(series_of(NAME), leftovers=("a mount",))
    result = assess(case(DEADLOCK), "host", series, (KNOWN,), None)
    assert (result.status, result.why) == (Status.FAIL, "left behind: a mount")


def test_what_a_machine_lacks_is_named() -> None:
    result = assess(case(), "host", skipped_series(NAME), (), None)
    assert result.status is Status.SKIPPED
    assert result.why.startswith("missing: ")


def test_only_the_kinds_of_outcomes_are_compared_with_the_last_run() -> None:
    series = differing_series(NAME, wrong=1, right=19)
    same = Before(Status.FAIL, {"released": 3, "deadlock": 17})
    other = Before(Status.PASS, {"released": 20})
    assert not assess(case(), "host", series, (), same).differs
    assert assess(case(), "host", series, (), other).differs
    assert not assess(case(), "host", series, (), None).differs


def test_a_single_run_has_no_rate() -> None:
    assert rates(series_of(NAME)) == "deadlock"
