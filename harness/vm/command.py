"""How a virtual machine is started: what an engine gives."""

from __future__ import annotations

from pathlib import Path

from harness.record import record


@record(frozen=True, slots=True)
class Daemon:
    """Runs beside the machine, and ends with it."""

    argv: tuple[str, ...]
    socket: Path
    """Is there once it can be used."""


@record(frozen=True, slots=True)
class Command:
    """What it prints on its standard output is the guest's console."""

    argv: tuple[str, ...]
    daemons: tuple[Daemon, ...] = ()


DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""However this process ends, what is started by it does not outlive it."""
