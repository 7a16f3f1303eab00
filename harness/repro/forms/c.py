"""A C program in one file, with KTAP on standard output and the exit status of a kernel selftest."""

from __future__ import annotations

from harness.repro import program, source
from harness.repro.file import File
from harness.scenario import Scenario

SUMMARY = "a C program in one file, for libc alone (the default)"


def files(scenarios: tuple[Scenario, ...]) -> list[File]:
    """Write a program for each scenario.

    Raises:
        UsageError: a scenario has no C program.
    """
    return [File(f"{each.name}.c", source.render(program.derive(each))) for each in scenarios]
