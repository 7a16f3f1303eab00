"""Neighbours on the machine fail no test: the live tests beside hangs, mounts and runs that are not theirs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.meta.tree import ROOT
from tests.setup.neighbours import neighbours

BESIDE = ("tests/live/test_outcomes.py", "tests/live/test_command_line.py")
CHOSEN = "kept or clean or close-self or [healthy] or server-stopped"


@pytest.mark.slow
def test_the_live_tests_pass_beside_the_hangs_of_others() -> None:
    argv = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHOSEN, *BESIDE]
    with neighbours():
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
