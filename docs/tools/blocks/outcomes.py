"""The outcomes of a run, from `Outcome` and the wording that the reports use."""

from __future__ import annotations

from harness.model.terms import Outcome
from harness.report.proof import MEANS


def render(_: str) -> str:
    """A table with a row per outcome."""
    lines = ["| outcome | meaning |", "|---|---|"]
    lines += [f"| `{outcome}` | {MEANS[outcome]} |" for outcome in Outcome]
    return "\n".join(lines)
