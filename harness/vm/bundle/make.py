"""One file with the compiled modules of a run, from which a guest imports them.

An import from the host's files costs an emulated guest a dozen round trips, some 25 ms, and a run needs 150 modules.
The file is made again when the source of a module has changed.
"""

from __future__ import annotations

import importlib
import marshal
import os
import pkgutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import CodeType, ModuleType

from harness.errors import MachineError
from harness.files import replace_bytes
from harness.kernels import store as kernel_store
from harness.vm import initramfs
from harness.vm.root import Root
from harness.vm.visible import CHECKOUT

PACKAGES = (
    *("fakefs", "harness.guard", "harness.launch", "harness.linux", "harness.observe", "harness.observe.means"),
    "harness.judge.waits",
    *("harness.blockers", "harness.blockers.families"),
    *("harness.resolve.resolvers", "harness.resolve.futile"),
)
MODULES = (
    *("harness.vm.guest", "harness.run.trial", "harness.run.tally", "harness.run.evidence", "harness.run.pool"),
    *("prctl", "ctypes.util"),
)
_WRITE = """\
import sys
from harness.vm.bundle import make
make.write(sys.argv[1], sys.argv[2])
"""


SOURCES = "python"
"""Folder below the shared one, with the sources for a guest that does not see the checkout."""


def file(root: Root) -> Path:
    """The bundle for a guest with that root, up to date."""
    folder = kernel_store.base().with_name("bundles")
    where = "" if root.here else f"{root.path.name}+"
    forced = os.environ.get("FAKEFS_FUSE", "")
    binding = f"{forced}+" if forced else ""
    path = folder / f"{where}{binding}{sys.implementation.cache_tag}{str(CHECKOUT).replace('/', '+')}"
    if not _current(path):
        folder.mkdir(parents=True, exist_ok=True)
        _make(path, root)
    return path


def sources(root: Root) -> Path:
    """The folder of the project in the guest."""
    return CHECKOUT if root.here else Path(initramfs.SHARE) / SOURCES


def _current(path: Path) -> bool:
    try:
        bundle = marshal.loads(path.read_bytes())
        return bundle["python"] == sys.version and all(_stamp(each) == stamp for each, stamp in bundle["files"].items())
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return False


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size


def _make(path: Path, root: Root) -> None:
    """Make the bundle in a process of its own, which imports much that this one does not need."""
    argv = [sys.executable, "-P", "-c", _WRITE, str(path), str(root.path)]
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise MachineError("the modules for the guest could not be put together", ended.stderr.strip()[-500:])


def write(path: str, root: str) -> None:
    """Write the bundle for a guest with that root to `path`."""
    move = _Elsewhere(Path(root)) if root != "/" else _Here()
    folders = {}
    for name in PACKAGES:
        package = importlib.import_module(name)
        folders[move.folder(package.__path__[0])] = _listed(package)
        for info in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not info.name.endswith(".__main__"):
                module = importlib.import_module(info.name)
                if info.ispkg:
                    folders[move.folder(module.__path__[0])] = _listed(module)
    for name in ("fakefs.__main__", *MODULES):
        importlib.import_module(name)
    importlib.import_module("fakefs.binding").load()
    files, modules = {}, {}
    for name, module in sorted(sys.modules.items()):
        source = _source(module)
        moved = None if source is None or name == "__main__" else move.module(module, source)
        if source is not None and moved is not None:
            there, code = moved
            modules[name] = (hasattr(module, "__path__"), there, marshal.dumps(code))
            files[source] = _stamp(source)
    bundle = {
        "python": sys.version,
        "path": move.path(),
        "files": files,
        "modules": modules,
        "folders": folders,
    }
    replace_bytes(Path(path), marshal.dumps(bundle))


class _Here:
    """The guest sees the same files."""

    def folder(self, path: str) -> str:
        return path

    def module(self, module: ModuleType, source: str) -> tuple[str, CodeType] | None:
        """Its file there, and its code; None where the guest has to find it by itself."""
        return source, module.__spec__.loader.get_code(module.__name__)  # type: ignore[union-attr]

    def path(self) -> list[str]:
        return sys.path


class _Elsewhere:
    """The guest has a root of its own, with the same Python, and what is compiled for it: prctl is its own, and of the
    standard library it gets that root's text, for the other half of many a module is compiled."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._library = Path(sysconfig.get_path("stdlib"))
        self._there = Path("/usr/lib/python{}.{}".format(*sys.version_info[:2]))

    def folder(self, path: str) -> str:
        return str(Path(initramfs.SHARE) / SOURCES / Path(path).relative_to(CHECKOUT))

    def module(self, module: ModuleType, source: str) -> tuple[str, CodeType] | None:
        """Its file there, and its code; None where the guest has to find it by itself."""
        path = Path(source)
        if module.__name__ == "prctl":
            return None
        if path.is_relative_to(CHECKOUT / module.__name__.partition(".")[0]):
            there, copy = Path(self.folder(source)), path
        elif path.is_relative_to(self._library) and "site-packages" not in path.parts:
            there = self._there / path.relative_to(self._library)
            copy = self._root / there.relative_to("/")
        else:
            there, copy = Path(initramfs.SHARE) / SOURCES / path.name, path
        return (str(there), compile(copy.read_bytes(), there, "exec", dont_inherit=True)) if copy.exists() else None

    def path(self) -> list[str]:
        packages = self._there.with_name("python3") / "dist-packages"
        return [*map(str, (Path(initramfs.SHARE) / SOURCES, self._there, self._there / "lib-dynload", packages))]


def _listed(package: ModuleType) -> list[tuple[str, bool]]:
    """Names of its modules, each with whether it is a package."""
    return [(info.name, info.ispkg) for info in pkgutil.iter_modules(package.__path__)]


def _source(module: ModuleType) -> str | None:
    """Its file, where it is Python text; None for what is built in, frozen, or a shared object."""
    spec = getattr(module, "__spec__", None)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py") or spec.origin == "frozen":
        return None
    return spec.origin if spec.has_location else None
