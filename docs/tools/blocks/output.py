"""A command on recorded data, with what it prints: so the pages show output that is real and current."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from harness.errors import FusezapError
from tests.meta.tree import ROOT


def render(argument: str) -> str:
    """`argument` is the command line after `fusezap`, from the root of the repository.

    Raises:
        FusezapError: The command failed.
    """
    argv = [sys.executable, "-P", "-m", "harness", *shlex.split(argument)]
    environ = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(argv, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.stderr or not done.stdout:
        raise FusezapError(f"fusezap {argument}: {done.stderr or 'no output'}")
    text = "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())
    return f"```console\n$ fusezap {argument}\n{text}\n```"
