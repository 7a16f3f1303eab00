"""The programs of a runtime: those that are installed, or the user's own builds."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from types import ModuleType

from harness import registry
from harness.errors import UsageError
from harness.runtimes import drivers
from harness.runtimes.driver import NeededProgram

NEEDED = ("SUMMARY", "NEEDS", "VERSIONS", "commands")
INITS = ("tini", "docker-init", "catatonit")
_VERSION_S = 10.0


def names() -> tuple[str, ...]:
    return registry.names(drivers)


def engine(name: str) -> ModuleType:
    """UsageError for one that is not known."""
    return registry.chosen(drivers, "runtime", name, *NEEDED)


def find(needs: tuple[NeededProgram, ...], own: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """(program → path, what is missing); `own` has the user's builds."""
    tools, missing = {}, []
    for need in needs:
        if need.module:
            absent = importlib.util.find_spec(need.module) is None
            missing += [f"the Python module {need.module} is not installed: install {need.package}"] if absent else []
            continue
        found = next(((name, path) for name in need.programs if (path := own.get(name) or _which(name))), None)
        if found is None:
            missing.append(f"{' or '.join(need.programs)} is not installed: install {need.package}")
        else:
            tools[found[0]] = found[1]
    return tools, tuple(missing)


def _which(name: str) -> str | None:
    """Find a program, also in the folders of the superuser, which a user's PATH may lack."""
    return shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")


def init(tools: Mapping[str, str]) -> str:
    return next(tools[name] for name in INITS if name in tools)


def check(name: str, path: str) -> str:
    """The whole path of a user's own build; UsageError where it is no program."""
    whole = os.path.abspath(path)
    if not os.path.isfile(whole) or not os.access(whole, os.X_OK):
        raise UsageError(f"--{name} {path}: no program is there", "give the path of an executable file")
    return whole


def versions(module: ModuleType, tools: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The version that each of the programs prints."""
    return tuple((name, _version((tools[name], *words))) for name, words in module.VERSIONS if name in tools)


def _version(argv: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace", timeout=_VERSION_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no answer ({type(error).__name__})"
    return parse_version(done.stdout)


def parse_version(text: str) -> str:
    """`runc version 1.1.5+ds1\\ncommit: …` → `1.1.5+ds1`."""
    found = re.search(r"\d+\.\d+[^\s,]*", text)
    return found[0] if found else text.strip().partition("\n")[0] or "unknown"
