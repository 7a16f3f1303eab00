"""A suite's folder: what its files declare, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalogue import catalogue
from harness.errors import UsageError
from harness.model.terms import Outcome
from harness.suite.read import read_suite

SCENARIO = """\
from fusezap import Kind, Outcome, Place, Scenario
SCENARIO = Scenario(
    name="mine", kind=Kind.CONTROL, summary="s", why="w", measured=(), want=Outcome.RELEASED, server=Place.NOWHERE
)
"""


def folder(tmp_path: Path, toml: str = "", **files: str) -> Path:
    if toml:
        (tmp_path / "suite.toml").write_text(toml)
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as error:
        read_suite(path, catalogue())
    return str(error.value)


def test_a_scenario_of_the_catalogue_expects_what_it_wants(tmp_path: Path) -> None:
    (case,) = read_suite(folder(tmp_path, '[[case]]\nscenario = "exit-flush-self"'), catalogue())
    assert (case.scenario, case.expect, case.times) == (catalogue()["exit-flush-self"], (Outcome.RELEASED,), 1)


def test_a_scenario_is_varied_under_another_name(tmp_path: Path) -> None:
    text = """\
[[case]]
name = "slow"
scenario = "exit-flush-self"
expect = ["deadlock", "released"]
repeat = 20
rules = ["flush:delay=1"]
mount-options = ["ro"]
hold = "/other"
files = ["/other=x"]
patience = 2
"""
    (case,) = read_suite(folder(tmp_path, text), catalogue())
    assert (case.name, case.times, case.expect) == ("slow", 20, (Outcome.DEADLOCK, Outcome.RELEASED))
    found = case.scenario
    assert (found.rules, found.mount_options, found.path) == (("flush:delay=1",), ("ro",), "/other")
    assert (found.files, found.patience_s, found.want) == (("/other=x",), 2.0, Outcome.DEADLOCK)


def test_a_server_and_programs_may_lie_in_the_folder(tmp_path: Path) -> None:
    home = tmp_path / "it's mine"
    home.mkdir()
    text = """\
[[case]]
name = "server"
server = "sh {suite}/server {mountpoint}"
hold = "/held"
[[case]]
name = "programs"
programs = ["sleep 5", "sh {suite}/x"]
"""
    server, programs = read_suite(folder(home, text), catalogue())
    assert server.scenario.command[1:] == (f"{home}/server", "{mountpoint}")
    assert server.scenario.path == "/held"
    assert [words[1:] for words in programs.scenario.commands] == [("5",), (f"{home}/x",)]


def test_a_python_file_is_a_case_unless_a_table_names_its_scenario(tmp_path: Path) -> None:
    path = folder(tmp_path, mine=SCENARIO, _helper="raise RuntimeError", test_it="raise RuntimeError")
    (case,) = read_suite(path, catalogue())
    assert (case.name, case.times) == ("mine", 1)
    folder(tmp_path, '[[case]]\nscenario = "mine"\nrepeat = 7')
    (case,) = read_suite(path, catalogue())
    assert (case.name, case.times) == ("mine", 7)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[[case]]\nscenario = "exit-flush-slef"', "near: exit-flush-self"),
        ('[[case]]\nname = "x"', "takes one of: scenario, server, programs"),
        ('[[case]]\nname = "x"\nscenario = "healthy"\nserver = "x {mountpoint}"', "takes one of"),
        ('[[case]]\nserver = "sh {mountpoint}"', "takes a `name`"),
        ('[[case]]\nname = "x"\nserver = "sh x"', "does not say where to mount"),
        ('[[case]]\nname = "x"\nserver = "sh {mountpoint}"\nrules = ["x"]', "only a case with `scenario`"),
        ('[[case]]\nname = "x"\nprograms = ["sleep 1"]\nhold = "/x"', "only a case with `scenario`"),
        ('[[case]]\nname = "x"\nprograms = ["no-such-program-here"]', "no program that can be found"),
        ('[[case]]\nscenario = "healthy"\nrules = ["x:noop"]', "takes a `name` of its own"),
        ('[[case]]\nscenario = "healthy"\nexpect = "hang"', "unknown outcome hang"),
        ('[[case]]\nscenario = "healthy"\nexpect = []', "unknown outcome none"),
        ('[[case]]\nscenario = "healthy"\nrepeat = 0', "not between 1 and"),
        ('[[case]]\nscenario = "healthy"\nrepeat = true', "wrong type"),
        ('[[case]]\nscenario = "healthy"\nrepaet = 1', "unknown key 'repaet'"),
        ('[[case]]\nscenario = "healthy"\npatience = -1', "not between 0 and 3600"),
        ('[[case]]\nname = "../x"\nscenario = "healthy"', "has other characters"),
        ('[[case]]\nscenario = "healthy"\n[[case]]\nscenario = "healthy"', "is taken"),
        ("[[case]\n", "suite.toml:"),
        ("case = 1", "[[case]] tables, and nothing else"),
        ("[settings]\nx = 1", "[[case]] tables, and nothing else"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, toml: str, message: str) -> None:
    assert message in refused(folder(tmp_path, toml))


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    path = folder(tmp_path, '[[case]]\nscenario = "a"\n[[case]]\nscenario = "b"', bad="1/0", none="x = 1")
    text = refused(path)
    for part in ("case 1 (a)", "case 2 (b)", "bad.py: ZeroDivisionError", "none.py: TypeError: SCENARIO is NoneType"):
        assert part in text


def test_a_folder_without_a_case_is_refused(tmp_path: Path) -> None:
    assert "has no case" in refused(tmp_path)
    assert "is no folder" in refused(tmp_path / "none")
