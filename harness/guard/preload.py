"""Programs that a worker process imports once, so that the guards that it forks need not start an interpreter for each.

A program is forked then, not executed: the interpreter, its modules and libfuse are there already.  What it does, and
what the kernel sees of it, is the same; a run takes half the time.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

Main = Callable[[list[str]], int | None]

_PROGRAMS = ("fakefs", "fakefs.hold", "fakefs.act")
_loaded: dict[str, Main] = {}


def programs() -> None:
    """To be called once, in a process of one thread."""
    import prctl  # noqa: F401

    from fakefs import binding

    binding.load()
    importlib.import_module("fakefs.run")
    for name in _PROGRAMS:
        module = importlib.import_module(f"{name}.__main__" if name == "fakefs" else name)
        _loaded[name] = module.main


def find(argv: Sequence[str]) -> Main | None:
    """The function that `python -P -m NAME …` would run, if the module was imported."""
    if tuple(argv[:3]) == (sys.executable, "-P", "-m"):
        return _loaded.get(argv[3])
    return None


def run(main: Main, argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """In a child of the guard: nothing that execve(2) would have closed stays open."""
    status = 1
    try:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.update(env)
        status = main(list(argv[4:])) or 0
    finally:
        os._exit(status)
