"""The programs of a scenario."""

from __future__ import annotations

import pytest

from fakefs import options
from harness.catalogue import catalogue
from harness.launch import argv
from harness.launch.argv import Places
from harness.scenario import Place, Scenario
from harness.scenario.steps import steps

PLACES = Places(("python", "-P", "-m"), "run", "/run/x/mnt", "/run/x/journal", "/run/x/control")
WITH_FUSE = [each for each in catalogue().values() if each.server is not Place.NOWHERE]


@pytest.mark.parametrize("scenario", WITH_FUSE, ids=lambda each: each.name)
def test_fakefs_understands_its_command_line(scenario: Scenario) -> None:
    command = argv.server(scenario, PLACES)
    assert command[:4] == ["python", "-P", "-m", "fakefs"]
    parsed = options.parse(command[4:])
    assert (parsed.mountpoint, parsed.fsname, parsed.journal) == ("/run/x/mnt", "run", "/run/x/journal")
    assert parsed.rules == list(scenario.rules)


@pytest.mark.parametrize("scenario", catalogue().values(), ids=lambda each: each.name)
def test_the_server_is_inside_where_the_scenario_says_so(scenario: Scenario) -> None:
    modules = [argv[3] for argv in argv.inside(scenario, PLACES)]
    assert ("fakefs" in modules) == (scenario.server is Place.INSIDE)
    assert len(argv.beside(scenario, PLACES)) == len(modules) - ("fakefs" in modules)


@pytest.mark.parametrize("scenario", catalogue().values(), ids=lambda each: each.name)
def test_a_reader_is_told_how_to_come_to_it(scenario: Scenario) -> None:
    told = steps(scenario)
    assert all(line.endswith(".") for line in told)
    assert told[-1].startswith("SIGKILL is sent to")
    for rule in scenario.rules:
        assert any(rule in line for line in told)
