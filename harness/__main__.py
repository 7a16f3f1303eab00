"""`python -m harness` is the command line."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from harness.cli import main


def run() -> NoReturn:
    """Every clean-up is a context manager and has run when `main` ends.  Taking the interpreter apart would only cost
    time, some 30 ms of a command of 200."""
    try:
        main()
    except SystemExit as end:
        with contextlib.suppress(OSError):  # whoever read it is gone
            sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


if __name__ == "__main__":
    run()
