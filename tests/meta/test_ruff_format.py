"""The code is formatted as ruff formats it."""

from __future__ import annotations

import subprocess
import sys

from tests.meta.tree import ROOT


def test_ruff_format() -> None:
    argv = [sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "."]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
