"""The judge never says deadlock where a simulated system could still end, and says it of most that cannot."""

from __future__ import annotations

import pytest

from tests.unit.judge.simulator import check

CASES = 5000


@pytest.mark.slow
def test_no_false_deadlock_and_no_retreat() -> None:
    """`python -m tests.unit.judge.simulator 100000` tries more."""
    found = {seed: check(seed) for seed in range(CASES)}
    assert [seed for seed, (proven, ends) in found.items() if proven and ends] == []
    dead = [proven for proven, ends in found.values() if not ends]
    assert sum(dead) > len(dead) / 4, f"{sum(dead)} of {len(dead)}"
