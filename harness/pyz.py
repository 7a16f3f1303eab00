"""`fusezap.pyz`: diagnose alone, in one file, on the Python of a host that nobody would change for it (3.9 or newer).

This is the file's entry.  The records of the program are dataclasses with slots, which 3.9 does not have: there they
go without, before any of them is imported.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any, NoReturn

OLDEST = (3, 9)


def main() -> NoReturn:
    if sys.version_info < OLDEST:
        sys.exit(f"fusezap: needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}")
    if sys.version_info < (3, 10):  # noqa: UP036
        dataclasses.dataclass = _without_slots(dataclasses.dataclass)
    from harness.cli import main as command_line

    arguments = sys.argv[1:]
    command_line(arguments if arguments[:1] in (["diagnose"], ["--version"]) else ["diagnose", *arguments])


def _without_slots(plain: Any) -> Any:
    def dataclass(cls: Any = None, *, slots: bool = False, **settings: Any) -> Any:
        del slots
        return plain(cls, **settings)

    return dataclass
