"""The armed scenario: what was started, and by what it is found again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.guard.client import HeldConnection
from harness.model import Claim
from harness.rundir import Process
from harness.scenario import Scenario
from harness.target import Target


@dataclass(frozen=True, slots=True)
class Victim:
    scenario: Scenario
    target: Target
    server: Process
    connection: HeldConnection
    control: Path
    journal: Path
    claims: tuple[Claim, ...]
