"""`fusezap.pyz`: diagnose and explain, in one file, on the Python of a host that nobody would change for it.

Python 3.9 or newer will do.

This is the file's entry.  Python 3.9 has neither dataclasses with slots nor itertools.pairwise: there the records go
without slots, and pairwise is added, before anything of the program is imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

OLDEST = (3, 9)


def main() -> NoReturn:
    if sys.version_info < OLDEST:
        sys.stderr.write(f"fusezap: needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}\n")
        sys.exit(3)  # 1 would say that something is stuck, and 2 that it cannot be told
    if sys.version_info < (3, 10):  # noqa: UP036
        dataclasses.dataclass = _without_slots(dataclasses.dataclass)
        itertools.pairwise = _pairwise  # type: ignore[assignment]
    try:
        from harness.boundary import finish
        from harness.cli import status

        arguments = sys.argv[1:]
        finish(
            status(
                arguments if arguments[:1] in (["diagnose"], ["explain"], ["--version"]) else ["diagnose", *arguments]
            )
        )
    except BaseException as error:  # a file that was cut off on its way, or not enough memory
        with contextlib.suppress(BaseException):
            os.write(2, f"fusezap: is the file whole? {type(error).__name__}: {error!r}\n".encode())
        os._exit(3)


def _pairwise(items: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    found = list(items)
    return zip(found, found[1:])  # noqa: B905, RUF007


def _without_slots(plain: Any) -> Any:
    def dataclass(cls: Any = None, *, slots: bool = False, **settings: Any) -> Any:
        del slots
        return plain(cls, **settings)

    return dataclass
