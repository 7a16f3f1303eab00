"""Finds things by walking a package: adding a thing is adding a file, and a malformed file is named."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from harness.errors import FusezapError


def modules(package: ModuleType, *needed: str) -> list[ModuleType]:
    """The public modules of a package, by name; FusezapError names the one that lacks an attribute."""
    found = []
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        absent = [name for name in needed if not hasattr(module, name)]
        if absent:
            raise FusezapError(f"{module.__name__} does not define {', '.join(absent)}", f"see {module.__file__}")
        found.append(module)
    return found
