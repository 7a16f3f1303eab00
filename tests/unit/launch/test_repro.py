"""The script that makes the same hang by hand."""

from __future__ import annotations

import subprocess

import pytest

from harness import catalogue
from harness.launch import repro
from harness.scenario import Before, Scenario

SCENARIOS = [each for each in catalogue.catalogue().values() if repro.possible(each)]


@pytest.mark.parametrize("chosen", SCENARIOS, ids=lambda each: each.name)
def test_it_is_sound_shell(chosen: Scenario) -> None:
    done = subprocess.run(["sh", "-n"], input=repro.script(chosen), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("chosen", SCENARIOS, ids=lambda each: each.name)
def test_it_says_what_it_is_and_cleans_up(chosen: Scenario) -> None:
    text = repro.script(chosen)
    assert text.startswith("#!/bin/sh\n")
    assert f"# {chosen.name}: {chosen.summary}." in text
    assert "trap finish EXIT" in text
    assert ("kill -STOP" in text) == (chosen.before is Before.SERVER_STOPPED)
    for rule in chosen.rules:
        assert f"--rule {rule}" in text


def test_only_what_needs_more_than_a_shell_has_none() -> None:
    without = {each.name for each in catalogue.catalogue().values()} - {each.name for each in SCENARIOS}
    assert without == {"sleepers", "zombies", "tracer-outside", "frozen-cgroup", "frozen-cgroup-v2"}
