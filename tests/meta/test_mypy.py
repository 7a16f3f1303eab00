"""mypy, strict, finds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.meta.tree import ROOT


def test_it_is_strict_and_sees_everything() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert settings["strict"] is True
    assert {"fakefs", "harness", "scenarios", "tests"} <= set(settings["packages"])


def test_mypy(tmp_path: Path) -> None:
    """The cache is the checkout's own where that may be written to: a second run is quick."""
    cache = ROOT / ".mypy_cache" if os.access(ROOT, os.W_OK) else tmp_path
    argv = [sys.executable, "-m", "mypy", "--cache-dir", str(cache)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
