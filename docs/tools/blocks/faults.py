"""The faults that a rule of fakefs can name."""

from __future__ import annotations

from fakefs.faults import FAULTS


def render(_: str) -> str:
    """A table with a row per fault."""
    lines = ["| fault | what the caller sees |", "|---|---|"]
    for fault in FAULTS.values():
        name = f"{fault.name}={fault.metavar}" if fault.metavar else fault.name
        lines.append(f"| `{name}` | {fault.summary} |")
    return "\n".join(lines)
