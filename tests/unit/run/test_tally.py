"""The sum of many runs of a scenario."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.records import Kind, Mark, Outcome, Result
from harness.run.tally import Tally
from tests.unit.results import result_of

DEADLOCK, RELEASED, STARVED = result_of("exit-flush-self"), result_of("healthy"), result_of("exit-flush-peer-outside")


def tallied(*results: Result, kind: Kind = Kind.DEFECT, want: Outcome = Outcome.RELEASED) -> Tally:
    tally = Tally(results[0].kernel, replace(results[0].about, kind=kind, want=want))
    for result in results:
        tally.add(result)
    return tally


def test_outcomes_are_counted_the_commonest_first_with_their_interval() -> None:
    series = tallied(RELEASED, DEADLOCK, DEADLOCK, DEADLOCK).series()
    assert [(count.outcome, count.times) for count in series.counts] == [
        (Outcome.DEADLOCK, 3),
        (Outcome.RELEASED, 1),
    ]
    assert all(count.low <= count.times / 4 <= count.high for count in series.counts)
    assert series.runs == 4
    assert series.count(Outcome.STARVED) == 0


def test_the_first_run_of_each_outcome_is_kept_whole_and_no_other() -> None:
    later = replace(DEADLOCK, mode="user-namespace")
    series = tallied(DEADLOCK, RELEASED, later, RELEASED).series()
    assert series.examples == (DEADLOCK, RELEASED)
    assert len(series.latencies_ms) == 4


@pytest.mark.parametrize(
    ("kind", "want", "results", "mark"),
    [
        (Kind.DEFECT, Outcome.RELEASED, [RELEASED], Mark.PASS),
        (Kind.DEFECT, Outcome.RELEASED, [DEADLOCK], Mark.FAIL),
        (Kind.DEFECT, Outcome.RELEASED, [RELEASED] * 5 + [STARVED], Mark.FAIL),
        (Kind.CONTROL, Outcome.RELEASED, [RELEASED], Mark.PASS),
        (Kind.CONTROL, Outcome.RELEASED, [RELEASED, DEADLOCK], Mark.UNSURE),
        (Kind.CONTROL, Outcome.STARVED, [STARVED], Mark.PASS),
        (Kind.BEHAVIOUR, Outcome.DEADLOCK, [RELEASED], Mark.REPORTED),
        (Kind.BEHAVIOUR, Outcome.DEADLOCK, [DEADLOCK], Mark.REPORTED),
    ],
)
def test_the_mark(kind: Kind, want: Outcome, results: list[Result], mark: Mark) -> None:
    assert tallied(*results, kind=kind, want=want).series().mark is mark


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.NOT_EXERCISED])
@pytest.mark.parametrize("kind", Kind)
def test_one_run_that_cannot_be_told_makes_all_unsure(kind: Kind, outcome: Outcome) -> None:
    unclear = replace(RELEASED, verdict=replace(RELEASED.verdict, outcome=outcome))
    assert tallied(RELEASED, unclear, kind=kind).series().mark is Mark.UNSURE


def test_a_defect_once_seen_is_one_whatever_else_happened() -> None:
    unclear = replace(RELEASED, verdict=replace(RELEASED.verdict, outcome=Outcome.INCONCLUSIVE))
    tally = tallied(unclear, DEADLOCK)
    tally.add_error("not armed")
    assert tally.series().mark is Mark.FAIL


def test_an_error_or_something_left_is_told_once_and_no_pass() -> None:
    tally = tallied(
        RELEASED, replace(RELEASED, leftovers=("folder /run/x",)), replace(RELEASED, leftovers=("folder /run/x",))
    )
    tally.add_error("not armed")
    tally.add_error("not armed")
    series = tally.series()
    assert (series.errors, series.leftovers, series.mark) == (("not armed",), ("folder /run/x",), Mark.UNSURE)


def test_a_hang_that_the_resolver_did_not_end_is_told() -> None:
    assert DEADLOCK.resolution is not None
    failed = replace(DEADLOCK, resolution=replace(DEADLOCK.resolution, released=False))
    assert tallied(failed, failed).series().leftovers == ("2 run(s) could not be resolved by the resolver",)


def test_what_this_machine_lacks_is_a_skip() -> None:
    tally = Tally(RELEASED.kernel, RELEASED.about)
    series = tally.series(missing=("root",))
    assert (series.mark, series.runs, series.latency) == (Mark.SKIPPED, 0, None)


def test_without_any_run_nothing_is_known() -> None:
    assert Tally(RELEASED.kernel, RELEASED.about).series().mark is Mark.UNSURE
