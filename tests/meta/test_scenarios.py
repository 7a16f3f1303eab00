"""Every scenario file is well-formed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from fakefs.act import ACTIONS
from fakefs.parse import parse_spec
from harness import registry
from harness.catalogue import catalogue, read_catalogue
from harness.launch import programs
from harness.linux.features import PROBES
from harness.scenario import Before, Caller, Exercise, Holder, Kind, Place, Scenario
from tests.meta.tree import ROOT, files

FOLDER = ROOT / "scenarios"
FILES = [path for path in files() if path.parent == FOLDER and path.suffix == ".py" and path.stem != "__init__"]


def declared(path: Path) -> Scenario:
    return catalogue()[path.stem.replace("_", "-")]


def test_the_catalogue_has_every_file_and_nothing_else() -> None:
    assert FILES
    assert read_catalogue()[1] == ()
    assert sorted(catalogue()) == sorted(path.stem.replace("_", "-") for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
class TestScenario:
    def test_the_file_declares_and_does_nothing_else(self, path: Path) -> None:
        body = ast.parse(path.read_text()).body
        assert {type(node) for node in body} <= {ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign}
        assigned = [ast.unparse(node.targets[0]) for node in body if isinstance(node, ast.Assign)]
        assert assigned == ["SCENARIO"]

    def test_words(self, path: Path) -> None:
        scenario = declared(path)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", scenario.name)
        assert scenario.summary == scenario.summary.strip()
        assert "\n" not in scenario.summary
        assert not scenario.summary.endswith("."), "it completes 'This scenario …'"
        assert scenario.summary[0].islower(), "it completes 'This scenario …'"
        assert len(scenario.summary) <= 110
        assert scenario.why == scenario.why.strip()
        assert scenario.why.endswith(".")
        if scenario.kind is not Kind.CONTROL:
            assert re.search(r"\w+\(\)", scenario.why), "it names the kernel's functions"
        assert scenario.measured
        assert all(line and "\n" not in line and not line.endswith(".") for line in scenario.measured)

    def test_rules(self, path: Path) -> None:
        for rule in declared(path).rules:
            assert parse_spec(rule) is not None

    def test_it_makes_sense(self, path: Path) -> None:
        scenario = declared(path)
        assert scenario.patience_s > 0
        if scenario.holder in (Holder.SERVER, Holder.SHARED, Holder.PASSED):
            assert scenario.server is Place.INSIDE, "a holder outside is not killed with the namespace"
        assert (scenario.caller is None) == (scenario.call == "")
        if scenario.call:
            assert scenario.call in ACTIONS
        if scenario.caller is Caller.SERVER:
            assert scenario.server is Place.INSIDE, "a caller outside is not killed with the namespace"
        if scenario.before is Before.SERVER_STOPPED:
            assert scenario.server is Place.OUTSIDE
            assert scenario.exercise in (Exercise.FILE_HELD, Exercise.ARMED), "a stopped server journals nothing"
        if scenario.server is Place.NOWHERE:
            assert scenario.programs
            assert scenario.exercise is Exercise.ARMED, "there is no journal"
        assert set(scenario.programs) <= set(registry.names(programs))
        assert {each.value for each in scenario.requires} <= set(PROBES)
        assert not scenario.command, "that is the user's"


def test_a_rule_that_is_wrong_would_be_found() -> None:
    with pytest.raises(Exception, match="flush"):
        parse_spec("flushh:hang")
