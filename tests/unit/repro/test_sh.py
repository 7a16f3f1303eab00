"""The script that makes the same hang by hand."""

from __future__ import annotations

import pytest

from harness import catalogue
from harness.repro.forms import sh
from harness.scenario import Before, Scenario

SCENARIOS = [each for each in catalogue.catalogue().values() if sh.possible(each)]


@pytest.mark.parametrize("chosen", SCENARIOS, ids=lambda each: each.name)
def test_it_says_what_it_is_and_cleans_up(chosen: Scenario) -> None:
    text = sh.script(chosen)
    assert text.startswith("#!/bin/sh\n")
    assert f"# {chosen.name}: {chosen.summary}." in text
    assert "trap finish EXIT" in text
    assert ("kill -STOP" in text) == (chosen.before is Before.SERVER_STOPPED)
    for rule in chosen.rules:
        assert rule in text


def test_only_what_needs_more_than_a_shell_has_none() -> None:
    without = {each.name for each in catalogue.catalogue().values()} - {each.name for each in SCENARIOS}
    assert without == {"sleepers", "zombies", "tracer-outside", "frozen-cgroup", "frozen-cgroup-v2"}
