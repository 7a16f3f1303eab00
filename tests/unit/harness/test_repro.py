"""The script that makes the same hang by hand."""

from __future__ import annotations

import subprocess

import pytest

from harness import repro, scenario
from harness.scenario import Scenario

SCENARIOS = scenario.catalogue().values()


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
    assert ("kill -STOP" in text) == chosen.stop_server
    for rule in chosen.rules:
        assert f"--rule {rule}" in text
