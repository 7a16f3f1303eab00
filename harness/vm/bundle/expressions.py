"""The regular expressions that modules compile while they are imported, compiled beforehand.

They are a sixth of what the guest's imports cost.  Imports nothing of the project: whoever records must come before all
modules that compile one.  An interpreter whose `re` is made otherwise compiles them itself.
"""

from __future__ import annotations

import re
from typing import Any

Expressions = dict[tuple[str | bytes, int], tuple[Any, ...]]
"""By pattern and flags: what `_sre.compile` takes."""


def recorded() -> Expressions:
    """What is filled from now on, by every expression that is compiled."""
    found: Expressions = {}
    compiler = _compiler()
    if compiler is None:
        return found
    ordinary, machine = compiler.compile, compiler._sre
    last: list[tuple[Any, ...]] = []

    class Machine:
        def __getattr__(self, name: str) -> Any:
            return getattr(machine, name)

        def compile(self, *arguments: Any) -> Any:
            last[:] = [arguments]
            return machine.compile(*arguments)

    def compile_expression(pattern: Any, flags: int = 0) -> Any:
        compiled = ordinary(pattern, flags)
        if isinstance(pattern, (str, bytes)):
            _, all_flags, code, groups, *names = last[0]
            found[pattern, int(flags)] = (pattern, int(all_flags), list(map(int, code)), groups, *names)
        return compiled

    compiler._sre, compiler.compile = Machine(), compile_expression
    return found


def played(known: Expressions) -> None:
    """From now on an expression that was recorded is not compiled again."""
    compiler = _compiler()
    if compiler is None:
        return
    ordinary, machine = compiler.compile, compiler._sre

    def compile_expression(pattern: Any, flags: int = 0) -> Any:
        arguments = known.get((pattern, int(flags))) if isinstance(pattern, (str, bytes)) else None
        return ordinary(pattern, flags) if arguments is None else machine.compile(*arguments)

    compiler.compile = compile_expression


def _compiler() -> Any:
    """Of CPython from 3.11 on."""
    compiler = getattr(re, "_compiler", None)
    return compiler if hasattr(compiler, "_sre") and hasattr(compiler, "compile") else None
