"""Raises an exception at one call of the program's own functions: found by PYTHONPATH, in every Python process below.

FUSEZAP_INJECT is `ROLE CALL FILE`: the words that the command line of the process has to hold, the number of the call
from the start of that process on, and a file that then holds what was hit.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any

_ROLE, _CALL, _FILE = os.environ.get("FUSEZAP_INJECT", "- 0 -").split(" ")
_OURS = tuple(f"{os.sep}{package}{os.sep}" for package in ("harness", "scenarios"))


class InjectedError(Exception):
    """Nothing in the program expects it."""


class _Counter:
    def __init__(self) -> None:
        self.left = int(_CALL)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        del argument
        file = frame.f_code.co_filename
        if event != "call" or not any(each in file for each in _OURS) or frame.f_code.co_name == "<module>":
            return
        self.left -= 1
        if self.left == 0:
            sys.setprofile(None)
            place = f"{file}:{frame.f_lineno} {frame.f_code.co_name}"
            with open(_FILE, "a") as stream:
                stream.write(f"{place} in process {os.getpid()}\n")
            raise InjectedError(place)


if any(_ROLE in word for word in sys.orig_argv):
    sys.setprofile(_Counter())
