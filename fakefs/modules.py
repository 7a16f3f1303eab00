"""Names of the modules in a folder, or in what stands for one: a part of a zip file, a bundle."""

from __future__ import annotations

import os
import pkgutil
from importlib.machinery import FileFinder


def modules_in(folder: str) -> list[str]:
    """List the modules and packages of a folder, in no order, and import none of them.

    For a real folder `pkgutil.iter_modules` would import `inspect`, which takes as long as an interpreter to start.
    """
    if not isinstance(pkgutil.get_importer(folder), FileFinder):
        return [info.name for info in pkgutil.iter_modules([folder])]
    with os.scandir(folder) as entries:
        return [
            entry.name.removesuffix(".py")
            for entry in entries
            if entry.name.endswith(".py") or os.path.exists(os.path.join(entry.path, "__init__.py"))
        ]
