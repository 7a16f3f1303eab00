"""Starts the guest's part from a bundle: `python -P -S unbundle.py FOLDER`, with `bundle` in FOLDER.

Runs before anything else can be imported cheaply, so it takes what the interpreter has built in, and no more.
"""

import marshal
import sys
from _frozen_importlib import ModuleSpec
from types import ModuleType

Modules = dict[str, tuple[bool, str, bytes]]
"""By name: whether it is a package, its file, its code."""


class Finder:
    """Before the search in the file system, after what is built in."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        del path, target
        if name not in self.modules:
            return None
        package, file, _ = self.modules[name]
        spec = ModuleSpec(name, self, origin=file, is_package=package)  # type: ignore[arg-type]
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [file.rpartition("/")[0]]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        exec(marshal.loads(self.modules[module.__name__][2]), module.__dict__)


def main() -> None:
    with open(f"{sys.argv[1]}/bundle", "rb") as stream:
        bundle = marshal.loads(stream.read())
    sys.path[:] = bundle["path"]
    sys.meta_path.insert(2, Finder(bundle["modules"]))
    from harness.vm import generated

    generated.played(bundle["generated"])
    from pathlib import Path

    from harness.vm.guest import main as guest

    guest(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
