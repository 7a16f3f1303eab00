"""`python -m harness` is the command line."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

_LEAST = (128, 3, 2)
"""Statuses for errors that even the imports may meet: of check, of the commands whose 2 is an answer, of the others."""


def run() -> NoReturn:
    """Run the command line of this process, and end the process."""
    try:
        from harness.boundary import finish
        from harness.cli import status

        finish(status(sys.argv[1:]))
    except BaseException as error:  # a broken installation, or not enough memory to import what tells of errors
        with contextlib.suppress(BaseException):
            os.write(2, f"fusezap: is it installed whole? {type(error).__name__}: {error!r}\n".encode())
        os._exit(_status_without_imports(sys.argv[1:]))


def _status_without_imports(arguments: list[str]) -> int:
    if "check" in arguments:
        return _LEAST[0]
    return _LEAST[1] if arguments[:1] and arguments[0] in ("judge", "observe", "diagnose", "runtimes") else _LEAST[2]


if __name__ == "__main__":
    run()
