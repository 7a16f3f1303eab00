"""Intervals and quantiles, against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.run.statistics import at_least, clopper_pearson, latency, runs_needed


def exact_at_least(hits: int, runs: int, rate: Fraction) -> Fraction:
    return sum(
        (math.comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(hits, runs + 1)),
        Fraction(0),
    )


@given(st.integers(1, 60).flatmap(lambda runs: st.tuples(st.integers(0, runs), st.just(runs))), st.integers(1, 99))
def test_a_tail_is_that_of_the_binomial_distribution(counts: tuple[int, int], percent: int) -> None:
    hits, runs = counts
    rate = Fraction(percent, 100)
    assert at_least(hits, runs, float(rate)) == pytest.approx(float(exact_at_least(hits, runs, rate)), abs=1e-12)


@given(
    st.integers(1, 60).flatmap(lambda runs: st.tuples(st.integers(0, runs), st.just(runs))),
    st.sampled_from([0.8, 0.95, 0.999]),
)
@pytest.mark.slow
def test_at_its_ends_the_tails_have_half_of_what_is_left(counts: tuple[int, int], confidence: float) -> None:
    hits, runs = counts
    low, high = clopper_pearson(hits, runs, confidence)
    tail = (1 - confidence) / 2
    assert low <= hits / runs <= high
    if hits:
        assert float(exact_at_least(hits, runs, Fraction(low))) == pytest.approx(tail, rel=1e-6)
    if hits < runs:
        assert float(1 - exact_at_least(hits + 1, runs, Fraction(high))) == pytest.approx(tail, rel=1e-6)


@pytest.mark.parametrize(
    ("hits", "runs", "low", "high"),
    [(0, 10, 0.0, 0.30850), (10, 10, 0.69150, 1.0), (5, 10, 0.18709, 0.81291), (1, 100, 0.00025313, 0.054459)],
)
def test_values_of_the_tables(hits: int, runs: int, low: float, high: float) -> None:
    assert clopper_pearson(hits, runs, 0.95) == pytest.approx((low, high), abs=5e-6)


def test_large_counts_neither_overflow_nor_take_long() -> None:
    low, high = clopper_pearson(4000, 5000, 0.95)
    assert 0.788 < low < 0.8 < high < 0.812


@pytest.mark.parametrize(("hits", "runs", "confidence"), [(-1, 5, 0.9), (6, 5, 0.9), (0, 0, 0.9), (1, 2, 1.0)])
def test_counts_that_cannot_be(hits: int, runs: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="at"):
        clopper_pearson(hits, runs, confidence)


@pytest.mark.parametrize("rate", [0.5, 0.05, 0.01])
@pytest.mark.parametrize("confidence", [0.9, 0.999])
def test_so_many_runs_suffice_and_one_fewer_does_not(rate: float, confidence: float) -> None:
    runs = runs_needed(rate, confidence)
    assert (1 - rate) ** runs <= 1 - confidence < (1 - rate) ** (runs - 1)


def test_the_quantiles_are_values_that_were_measured() -> None:
    values = [float(each) for each in range(1, 101)]
    found = latency(values[::-1])
    assert found is not None
    assert (found.median, found.p95, found.maximum) == (50.0, 95.0, 100.0)
    assert latency([]) is None
    one = latency([7.0])
    assert one is not None
    assert (one.median, one.p95, one.maximum) == (7.0, 7.0, 7.0)
