"""The command that starts a virtual machine, as an engine returns it."""

from __future__ import annotations

from pathlib import Path

from harness.record import record


@record(frozen=True, slots=True)
class Daemon:
    """A process that runs as long as the machine does."""

    argv: tuple[str, ...]
    socket: Path
    """It exists once the daemon can be used."""


@record(frozen=True, slots=True)
class Command:
    """The emulator; its standard output is the guest's console."""

    argv: tuple[str, ...]
    daemons: tuple[Daemon, ...] = ()


DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""However this process ends, what is started by it does not outlive it."""
