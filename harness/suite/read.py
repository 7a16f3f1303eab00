"""A suite's folder becomes cases: suite.toml, and a Python file for each scenario of the user's own."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import read_text
from harness.model.terms import Outcome
from harness.record import replace
from harness.scenario import Scenario, foreign
from harness.suite.case import Case

FILE = "suite.toml"
FOLDER = "{suite}"
"""Stands for the suite's folder in a command."""
RUNS = 100_000
_SIZE = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "scenario": str,
    "server": str,
    "hold": str,
    "programs": list,
    "expect": (str, list),
    "repeat": int,
    "rules": list,
    "files": list,
    "mount-options": list,
    "patience": (int, float),
}
_VARIED = {"rules": "rules", "files": "files", "mount-options": "mount_options", "hold": "path"}
"""Fields of a scenario that a case may set, by their keys."""


def read_suite(folder: Path, catalogue: Mapping[str, Scenario]) -> tuple[Case, ...]:
    """Read the cases of a folder.

    Args:
        folder: It has a suite.toml, or files whose `SCENARIO` is a `fusezap.Scenario`, or both.  A Python file is a
            case of its own, unless suite.toml names its scenario.  Files that begin with `_`, `test_` or `conftest`
            are none.
        catalogue: The scenarios that a case may name besides.

    Returns:
        The cases: those of suite.toml in their order, then the others by name.

    Raises:
        UsageError: The folder holds no case, or some are wrong: the message names each of them.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", f"a suite is a folder with a {FILE}")
    problems: list[str] = []
    own = _own_scenarios(folder, problems)
    cases: dict[str, Case] = {}
    named: set[str] = set()
    for number, table in enumerate(_tables(folder / FILE, problems), start=1):
        try:
            case = _case(table, folder.absolute(), {**catalogue, **own})
        except (UsageError, ValueError) as error:
            label = table.get("name", table.get("scenario", ""))
            problems.append(f"{folder / FILE}: case {number}{f' ({label})' if label else ''}: {error}")
            continue
        if case.name in cases:
            problems.append(f"{folder / FILE}: case {number}: the name {case.name!r} is taken; give it another `name`")
        cases[case.name] = case
        named.add(str(table.get("scenario", "")))
    for name, scenario in sorted(own.items()):
        if name not in named and name not in cases:
            cases[name] = Case(scenario, (scenario.want,))
    if problems:
        raise UsageError("\n".join(problems))
    if not cases:
        raise UsageError(f"{folder} has no case", f"write {FILE} with [[case]] tables, or files with a SCENARIO")
    return tuple(cases.values())


def _tables(file: Path, problems: list[str]) -> list[dict[str, Any]]:
    try:
        document = tomllib.loads(read_text(file, _SIZE))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError among them
        problems.append(f"{file}: {error}")
        return []
    found = document.pop("case", [])
    if document or not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        problems.append(f"{file}: it holds [[case]] tables, and nothing else")
        return []
    return found


def _own_scenarios(folder: Path, problems: list[str]) -> dict[str, Scenario]:
    found: dict[str, Scenario] = {}
    for file in sorted(folder.glob("*.py")):
        if file.name.startswith(("_", "test_", "conftest")):
            continue
        try:
            scenario = _declared(file)
        except Exception as error:  # a file may raise anything while it is imported; the message names the file
            problems.append(f"{file}: {type(error).__name__}: {error}")
            continue
        if scenario.name in found:
            problems.append(f"{file}: the name {scenario.name!r} is taken by another file")
        found[scenario.name] = scenario
    return found


def _declared(file: Path) -> Scenario:
    spec = importlib.util.spec_from_file_location(f"_fusezap_suite_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scenario = getattr(module, "SCENARIO", None)
    if not isinstance(scenario, Scenario):
        raise TypeError(f"SCENARIO is {type(scenario).__name__}, and not a fusezap.Scenario")
    _check_name(scenario.name)
    return scenario


def _case(table: Mapping[str, Any], folder: Path, known: Mapping[str, Scenario]) -> Case:
    for key, value in table.items():
        if key not in _KEYS:
            raise ValueError(f"unknown key {key!r}; there are: {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise ValueError(f"{key} = {value!r} has the wrong type")
        if isinstance(value, list) and not all(isinstance(each, str) for each in value):
            raise ValueError(f"{key} is a list of strings")
    scenario = _scenario(table, folder, known)
    expect = outcomes_in(table["expect"]) if "expect" in table else (scenario.want,)
    times = table.get("repeat", 1)
    if not 1 <= times <= RUNS:
        raise ValueError(f"repeat = {times} is not between 1 and {RUNS}")
    name = table.get("name", scenario.name)
    _check_name(name)
    return Case(replace(scenario, name=name, want=expect[0]), expect, times)


def _scenario(table: Mapping[str, Any], folder: Path, known: Mapping[str, Scenario]) -> Scenario:
    kinds = [key for key in ("scenario", "server", "programs") if key in table]
    if len(kinds) != 1:
        raise ValueError("it takes one of: scenario, server, programs")
    if kinds != ["scenario"]:
        if "name" not in table:
            raise ValueError("it takes a `name`")
        others = sorted(table.keys() & {"rules", "files", "mount-options"} | ({"hold"} & table.keys() - {*kinds}))
        if others and (kinds == ["programs"] or others != ["hold"]):
            raise ValueError(f"{', '.join(others)}: only a case with `scenario` takes that")
    if kinds == ["server"]:
        found = foreign.scenario(_placed(table["server"], folder), table.get("hold"))
    elif kinds == ["programs"]:
        import shlex

        found = foreign.programs([shlex.split(_placed(each, folder)) for each in table["programs"]])
    else:
        found = _varied(table, known)
    if "patience" in table:
        if not 0 <= table["patience"] <= 3600:
            raise ValueError(f"patience = {table['patience']} is not between 0 and 3600 seconds")
        found = replace(found, patience_s=float(table["patience"]))
    return found


def _varied(table: Mapping[str, Any], known: Mapping[str, Scenario]) -> Scenario:
    name = table["scenario"]
    if name not in known:
        import difflib

        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        raise ValueError(f"unknown scenario {name!r}" + (f"; near: {', '.join(near)}" if near else ""))
    changes: dict[str, Any] = {
        field: table[key] if isinstance(table[key], str) else tuple(table[key])
        for key, field in _VARIED.items()
        if key in table
    }
    if changes and "name" not in table:
        raise ValueError("a scenario that is varied takes a `name` of its own")
    return replace(known[name], **changes)


def _placed(command: str, folder: Path) -> str:
    """The command, with the suite's folder in the place of `{suite}`."""
    import shlex

    return command.replace(FOLDER, shlex.quote(str(folder)))


def outcomes_in(value: str | list[str]) -> tuple[Outcome, ...]:
    """Parse outcomes.

    Args:
        value: One, or a list of them.

    Raises:
        ValueError: One is unknown, or there is none.
    """
    names = [value] if isinstance(value, str) else value
    wrong = [each for each in names if each not in list(Outcome)]
    if wrong or not names:
        raise ValueError(f"unknown outcome {', '.join(wrong) or 'none'}; there are: {', '.join(Outcome)}")
    return tuple(map(Outcome, names))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} has other characters than letters, digits, `.`, `_`, `+` and `-`")
