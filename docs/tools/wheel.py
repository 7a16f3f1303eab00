"""Hatch's build hook: the wheel gets a stub package for the single module `fusezap`.

A single module has no py.typed (PEP 561).  Its own text, which is annotated throughout, is its stub.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubHook(BuildHookInterface[Any]):
    """Adds fusezap-stubs/__init__.pyi."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is built; `version` is `standard` or `editable`."""
        if version == "editable":
            return
        self._folder = tempfile.mkdtemp()
        stub = Path(self._folder) / "__init__.pyi"
        shutil.copyfile(Path(self.root) / "fusezap.py", stub)
        build_data["force_include"][str(stub)] = "fusezap-stubs/__init__.pyi"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Called when the wheel is there."""
        if version != "editable":
            shutil.rmtree(self._folder)
