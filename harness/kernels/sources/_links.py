"""Modules that lie elsewhere, laid out as modules_install does, but as links: nothing is copied or stripped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from harness.kernels import store as kernel_store
from harness.kernels.sources import _root


def linked(release: str, files: Mapping[str, Path]) -> Path:
    """`…/lib/modules/RELEASE`.  `files`: by their names in it."""
    text = "\n".join(f"{name} {path}" for name, path in sorted(files.items()))

    def link(folder: Path) -> None:
        for name, path in files.items():
            target = folder / "lib/modules" / release / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)

    entry = kernel_store.entry(f"links-{hashlib.sha256(text.encode()).hexdigest()}", link)
    modules = entry / "lib/modules" / release
    _root.depend(modules)  # each time: the files may be others than they were
    return modules
