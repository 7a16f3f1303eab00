"""The catalogue: every scenario that a file of the project's own folder scenarios/ declares.

The files are found by the folder beside this package, and not by the name `scenarios`: a user's own tests may have a
package of that name, and it may stand before ours on sys.path.
"""

from __future__ import annotations

import difflib
import functools
import importlib.util
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType

from harness import registry
from harness.errors import FusezapError, UsageError
from harness.scenario import Scenario

FOLDER = Path(__file__).parents[1] / "scenarios"
_PACKAGE = "fusezap_scenarios"
"""The name under which the files are imported: nobody else has it."""


@functools.cache
def read_catalogue() -> tuple[dict[str, Scenario], tuple[str, ...]]:
    """Reads every scenario file.

    Returns:
        The scenarios by name, and a message for each file that declares none: one such file must not keep the others
        from being run.
    """
    package = _package()
    found: dict[str, Scenario] = {}
    broken = []
    for name in registry.names(package):
        try:
            found[name] = _declared(package, name, found)
        except Exception as error:  # a file may raise anything while it is imported; the message names the file
            broken.append(f"scenarios/{name.replace('-', '_')}.py: {type(error).__name__}: {error}")
    return found, tuple(broken)


def _package() -> ModuleType:
    """The folder as a package of a private name; its modules are then imported as any others."""
    if _PACKAGE in sys.modules:
        return sys.modules[_PACKAGE]
    file = FOLDER / "__init__.py"
    spec = importlib.util.spec_from_file_location(_PACKAGE, file, submodule_search_locations=[str(FOLDER)])
    if spec is None or spec.loader is None or not file.exists():
        raise FusezapError(f"there are no scenarios: {FOLDER} does not exist", "is fusezap installed as a whole?")
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    return package


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
    """The scenarios by name, in the order of their names."""
    return read_catalogue()[0]


def find(names: tuple[str, ...]) -> tuple[Scenario, ...]:
    """Finds scenarios by name or glob.

    Args:
        names: Names and globs, such as `exit-flush-self` and `*-outside`.

    Returns:
        The scenarios that match, each once, in the order of `names`.

    Raises:
        UsageError: A name matches nothing; the message lists every such name, with the names near it.
    """
    known = catalogue()
    chosen: dict[str, Scenario] = {}
    wrong = []
    for name in names:
        matching = [each for each in known if fnmatchcase(each, name)]
        chosen |= {each: known[each] for each in matching}
        if not matching:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            wrong.append(f"unknown scenario {name!r}" + (f"; near: {', '.join(near)}" if near else ""))
    if wrong:
        raise UsageError("\n".join(wrong), "`fusezap list` shows them all")
    return tuple(chosen.values())
