"""How a virtual machine is started: what an engine gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """What it prints on its standard output is the guest's console."""

    argv: tuple[str, ...]
