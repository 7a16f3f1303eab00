"""Starts the guest's part from a bundle: `python -P -S unbundle.py FOLDER`, with `bundle` in FOLDER.

Runs before anything else can be imported cheaply, so it takes what the interpreter has built in, and no more.
"""

from __future__ import annotations

import marshal
import sys
from _frozen_importlib import ModuleSpec
from types import ModuleType

TYPE_CHECKING = False  # typing's own would have to be imported
if TYPE_CHECKING:
    from typing import Any

Modules = dict[str, tuple[bool, str, bytes]]
"""For each module by its name: whether it is a package, its file, its code."""


ABSENT = frozenset({"org"})
"""Modules that are imported and exist nowhere (pickle looks for Jython): no folder is searched for them."""


class Listing:
    """The listing of a package's folder, for `pkgutil`: to list a folder of the host is slow."""

    def __init__(self, modules: list[tuple[str, bool]]) -> None:
        self.modules = modules

    def iter_modules(self, prefix: str) -> list[tuple[str, bool]]:
        return [(f"{prefix}{name}", package) for name, package in self.modules]

    def find_spec(self, name: str, target: object = None) -> None:
        """Find nothing: a module of the folder is in the bundle or nowhere."""


class Finder:
    """Before the search in the file system, after what is built in."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        del path, target
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name not in self.modules:
            return None
        package, file, _ = self.modules[name]
        spec = ModuleSpec(name, self, origin=file, is_package=package)  # type: ignore[arg-type]
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [file.rpartition("/")[0]]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        exec(marshal.loads(self.modules[module.__name__][2]), module.__dict__)


def prepare(bundle: dict[str, Any]) -> None:
    """Serve imports from the bundle from now on."""
    sys.path[:] = bundle["path"]
    sys.meta_path.insert(2, Finder(bundle["modules"]))
    sys.path_importer_cache.update({folder: Listing(modules) for folder, modules in bundle["folders"].items()})


def main() -> None:
    with open(f"{sys.argv[1]}/bundle", "rb") as stream:
        prepare(marshal.loads(stream.read()))
    from pathlib import Path

    from harness.vm.guest import main as guest

    guest(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
