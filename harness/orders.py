"""What is asked of a run, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.model import Result


@dataclass(frozen=True, slots=True)
class Order:
    scenario: Scenario
    resolver: str | None
    patience_s: float | None
    out: Path | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A run, or why there was none."""

    result: Result | None
    error: str | None = None
    broken: bool = False
    """The machine cannot do it at all: there is no use in trying again."""
