"""The servers that there are files for: which are installed, and what is known of them before they run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import ModuleType

from harness import registry
from harness.runtimes import tools
from harness.servers import drivers, library
from harness.servers.experiment import places_of
from harness.servers.records import Workload

NEEDED = ("SUMMARY", "NEEDS", "VERSION", "LIBRARY", "service")


def names() -> tuple[str, ...]:
    """All servers, by the names of their files."""
    return registry.names(drivers)


def server(name: str) -> ModuleType:
    """The file of a server; UsageError for one that is not known."""
    return registry.chosen(drivers, "server", name, *NEEDED)


def find(module: ModuleType) -> tuple[dict[str, str], tuple[str, ...]]:
    """(program → path, what is missing, each with its Debian package)."""
    found, missing = tools.find(module.NEEDS, {})
    files = getattr(module, "FILES", ())
    absent = [f"{path} is not there: install {package}" for path, package in files if not os.path.exists(path)]
    return found, (*missing, *absent)


def workloads(module: ModuleType, found: Mapping[str, str]) -> tuple[Workload, ...]:
    """The workloads that can be made with a server."""
    nested = module.service(places_of("/", found)).nested
    return tuple(Workload) if nested else (Workload.CLIENT,)


def version(module: ModuleType, found: Mapping[str, str]) -> str:
    """The version of a server that is installed."""
    need = module.NEEDS[0]
    files = getattr(module, "FILES", ())
    package = files[0][1] if files else need.package
    return library.version(found[need.programs[0]], module.VERSION, package)


def speaks_fuse_by(module: ModuleType, found: Mapping[str, str]) -> str:
    """The library by which a server speaks FUSE."""
    declared: str = module.LIBRARY
    return declared or library.of_program(found[module.NEEDS[0].programs[0]])
