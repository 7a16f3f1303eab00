"""The help text of a program of fakefs, as its `--help` prints it."""

from __future__ import annotations

import subprocess
import sys


def render(argument: str) -> str:
    """`argument` is the name of a module that is a program, such as `fakefs.ctl`."""
    argv = [sys.executable, "-m", argument, "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return f"```text\n{done.stdout.strip()}\n```"
