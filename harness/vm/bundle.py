"""The compiled modules that a run takes, in one file.

In an emulated guest each import costs a dozen round trips to the host's files, some 25 ms, and a run takes 150 modules.
What is imported is the same; it comes out of one file, which is made anew when a module's source has changed.
"""

from __future__ import annotations

import importlib
import marshal
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from harness import kernel_store, outputs
from harness.errors import MachineError
from harness.vm import expressions, generated
from harness.vm.seen import CHECKOUT

PACKAGES = (
    *("fakefs", "harness.guard", "harness.launch", "harness.linux", "harness.observe", "harness.waits"),
    *("harness.resolvers", "harness.futile"),
)
MODULES = (
    *("harness.vm.guest", "harness.trial", "harness.tally", "harness.evidence", "harness.repeat"),
    *("fuse", "prctl", "ctypes.util"),
)
_WRITE = """\
import sys
from harness.vm import expressions
compiled = expressions.recorded()
from harness.vm import expressions, generated
functions = generated.recorded()
from harness.vm import bundle
bundle.write(sys.argv[1], compiled, functions)
"""


def file() -> Path:
    """The bundle, up to date."""
    folder = kernel_store.base().with_name("bundles")
    path = folder / f"{sys.implementation.cache_tag}{str(CHECKOUT).replace('/', '+')}"
    if not _current(path):
        folder.mkdir(parents=True, exist_ok=True)
        _make(path)
    return path


def _current(path: Path) -> bool:
    try:
        bundle = marshal.loads(path.read_bytes())
        return bundle["python"] == sys.version and all(_stamp(each) == stamp for each, stamp in bundle["files"].items())
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        return False


def _stamp(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_mtime_ns, found.st_size


def _make(path: Path) -> None:
    """In a process of its own: it imports much that this one has no use for."""
    argv = [sys.executable, "-P", "-c", _WRITE, str(path)]
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise MachineError("the modules for the guest could not be put together", ended.stderr.strip()[-500:])


def write(path: str, compiled: expressions.Expressions, functions: generated.Functions) -> None:
    """`compiled`, `functions`: recorded since before this module was imported."""
    folders = {}
    for name in PACKAGES:
        package = importlib.import_module(name)
        folders[package.__path__[0]] = _listed(package)
        for info in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not info.name.endswith(".__main__"):
                module = importlib.import_module(info.name)
                if info.ispkg:
                    folders[module.__path__[0]] = _listed(module)
    for name in ("fakefs.__main__", *MODULES):
        importlib.import_module(name)
    files, modules = {}, {}
    for name, module in sorted(sys.modules.items()):
        source = _source(module)
        if source is not None and name != "__main__":
            loader = module.__spec__.loader  # type: ignore[union-attr]
            modules[name] = (hasattr(module, "__path__"), source, marshal.dumps(loader.get_code(name)))  # type: ignore[union-attr]
            files[source] = _stamp(source)
    bundle = {
        "python": sys.version,
        "path": sys.path,
        "files": files,
        "modules": modules,
        "folders": folders,
        "expressions": compiled,
        "functions": functions,
    }
    outputs.replace_bytes(Path(path), marshal.dumps(bundle))


def _listed(package: ModuleType) -> list[tuple[str, bool]]:
    """Names of its modules, each with whether it is a package."""
    return [(info.name, info.ispkg) for info in pkgutil.iter_modules(package.__path__)]


def _source(module: ModuleType) -> str | None:
    """Its file, where it is Python text; None for what is built in, frozen, or a shared object."""
    spec = getattr(module, "__spec__", None)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py") or spec.origin == "frozen":
        return None
    return spec.origin if spec.has_location else None
