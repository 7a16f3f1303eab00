"""The functions that `dataclasses` writes as text and compiles, compiled beforehand.

They are half of what the guest's imports cost: a class has six, and an emulated processor takes 3 ms for each.  It has
no signature in its docstring: that takes as long again.
Imports nothing of the project: whoever records must come before all classes.
"""

from __future__ import annotations

import dataclasses
import inspect
import marshal
from collections.abc import Mapping

Functions = dict[str, bytes]
"""By text: its code, marshalled."""


def recorded() -> Functions:
    """What is filled from now on, by every class that is made."""
    found: Functions = {}

    def run(text: str, *scopes: dict[str, object]) -> None:
        found[text] = marshal.dumps(compile(text, "<string>", "exec"))
        exec(text, *scopes)

    vars(dataclasses)["exec"] = run
    return found


def played(compiled: Mapping[str, bytes]) -> None:
    """From now on a text that was recorded is not compiled again."""

    def run(text: str, *scopes: dict[str, object]) -> None:
        exec(marshal.loads(compiled[text]) if text in compiled else text, *scopes)

    vars(dataclasses).update(exec=run, inspect=_Unsigned())


class _Unsigned:
    """`inspect` to `dataclasses`."""

    @staticmethod
    def signature(_: object) -> str:
        return ""

    def __getattr__(self, name: str) -> object:
        return getattr(inspect, name)
