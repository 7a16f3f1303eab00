"""Finds things by walking a package: adding a thing is adding a file, and a malformed file is named."""

from __future__ import annotations

import importlib
import pkgutil
import re
from types import ModuleType

from fakefs.modules import modules_in
from harness.errors import FusezapError, UsageError


def names(package: ModuleType) -> tuple[str, ...]:
    """List a package's public files, with hyphens in their names; imports none of them."""
    found = {name for folder in package.__path__ for name in modules_in(folder)}
    return tuple(sorted(name.replace("_", "-") for name in found if not name.startswith("_")))


def text(package: ModuleType, name: str, attribute: str) -> str:
    """The string of one line that a module assigns to a name, without importing the module if that can be avoided.

    Args:
        package: The package that has the module.
        name: The module, with hyphens or underscores.
        attribute: The name that the module assigns, such as `HELP`.

    Returns:
        The string.
    """
    source = pkgutil.get_data(package.__name__, f"{name.replace('-', '_')}.py") or b""
    found = re.search(rf'^{attribute} = "([^"\\\n]*)"$', source.decode(), re.MULTILINE)
    if found:
        return found[1]
    value: str = getattr(module(package, name, attribute), attribute)
    return value


def module(package: ModuleType, name: str, *needed: str) -> ModuleType:
    """FusezapError names the module when it lacks an attribute that it needs."""
    found = importlib.import_module(f"{package.__name__}.{name.replace('-', '_')}")
    absent = [attribute for attribute in needed if not hasattr(found, attribute)]
    if absent:
        raise FusezapError(f"{found.__name__} does not define {', '.join(absent)}", f"see {found.__file__}")
    return found


def modules(package: ModuleType, *needed: str) -> list[ModuleType]:
    return [module(package, name, *needed) for name in names(package)]


def chosen(package: ModuleType, kind: str, name: str, *needed: str) -> ModuleType:
    """Find the item that a user named; UsageError lists names close to an unknown one, and all there are."""
    known = names(package)
    if name not in known:
        import difflib

        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        raise UsageError(
            f"unknown {kind} {name!r}" + (f"; near: {', '.join(near)}" if near else ""),
            f"there are: {', '.join(known)}",
        )
    return module(package, name, *needed)
