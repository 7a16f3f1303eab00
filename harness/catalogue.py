"""The catalogue: every scenario that the files of scenarios/ declare."""

from __future__ import annotations

import difflib
import functools
from fnmatch import fnmatchcase
from types import ModuleType

from harness import registry
from harness.errors import UsageError
from harness.scenario import Scenario


@functools.cache
def read_catalogue() -> tuple[dict[str, Scenario], tuple[str, ...]]:
    """Every scenario by name, and what is wrong with the files that declare none: they must not keep others from
    being run."""
    import scenarios

    found: dict[str, Scenario] = {}
    broken = []
    for name in registry.names(scenarios):
        try:
            found[name] = _declared(scenarios, name, found)
        except Exception as error:  # whatever a file raises while it is imported is told with its name
            broken.append(f"scenarios/{name.replace('-', '_')}.py: {type(error).__name__}: {error}")
    return found, tuple(broken)


def _declared(package: ModuleType, name: str, others: dict[str, Scenario]) -> Scenario:
    scenario = registry.module(package, name, "SCENARIO").SCENARIO
    if not isinstance(scenario, Scenario):
        raise TypeError(f"SCENARIO is a {type(scenario).__name__}, and not a Scenario")
    if scenario.name in others:
        raise ValueError(f"the name {scenario.name!r} is taken by another file")
    if scenario.name != name:
        raise ValueError(f"the name {scenario.name!r} must be that of its file, {name!r}")
    return scenario


def catalogue() -> dict[str, Scenario]:
    return read_catalogue()[0]


def find(names: tuple[str, ...]) -> tuple[Scenario, ...]:
    """By name or glob, each once; UsageError tells every unknown one, each with all names near it."""
    known = catalogue()
    chosen: dict[str, Scenario] = {}
    wrong = []
    for name in names:
        matching = [each for each in known if fnmatchcase(each, name)]
        chosen |= {each: known[each] for each in matching}
        if not matching:
            near = difflib.get_close_matches(name, known, n=len(known), cutoff=0.5)
            wrong.append(f"unknown scenario {name!r}" + (f"; near: {', '.join(near)}" if near else ""))
    if wrong:
        raise UsageError("\n".join(wrong), "`fusezap list` shows them all")
    return tuple(chosen.values())
