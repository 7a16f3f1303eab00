"""The faults, found by walking this folder: each file has one FAULT with the name of the file.

A file without a FAULT, or with another name in it, makes the import fail with the name of the file. A fault that was
missing without a message would make every test that relies on it pass for nothing.
"""

from importlib import import_module

from fakefs.fault import Fault
from fakefs.modules import modules_in


def collect(package: str, path: list[str]) -> dict[str, Fault]:
    """All faults of a package, by name.

    Raises:
        ImportError: A file has no proper FAULT; the message names the file.
    """
    found: dict[str, Fault] = {}
    for short in sorted({short for folder in path for short in modules_in(folder)} - {"__init__"}):
        name = f"{package}.{short}"
        fault = getattr(import_module(name), "FAULT", None)
        if not isinstance(fault, Fault):
            raise ImportError(f"{name}: has no FAULT of type Fault", name=name)
        if fault.name != short:
            taken = " (already a fault)" if fault.name in found else ""
            raise ImportError(f"{name}: its FAULT is named {fault.name!r}{taken}, not like its file", name=name)
        if not fault.summary or bool(fault.parse) != bool(fault.metavar):
            raise ImportError(f"{name}: needs a summary, and metavar and parse together or not at all", name=name)
        found[fault.name] = fault
    return found


FAULTS = collect(__name__, __path__)
