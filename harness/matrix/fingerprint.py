"""The fingerprint of a cell: its result holds until the scenario, the options or the sources of fusezap change."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import fakefs
import harness
from harness.model import codec
from harness.run.session import SessionOptions
from harness.scenario import Scenario

_NO_MATTER = ("report", "commands", "matrix", "suite")
"""Rooms of harness/ that report runs and take no part in them."""


def fingerprint(scenario: Scenario, options: SessionOptions) -> str:
    """SHA-256, hexadecimal, of a scenario as it is declared, how it is run, and the program that runs it."""
    parts = [program(), codec.encode(scenario), options.times, options.resolver, options.patience_s, options.futile]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@functools.cache
def program() -> str:
    """SHA-256, hexadecimal, of the sources that a run uses: after a fix in the judge, cells are judged again."""
    digest = hashlib.sha256()
    for package in (fakefs, harness):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            within = path.relative_to(root)
            if package is fakefs or within.parts[0] not in _NO_MATTER:
                digest.update(f"{root.name}/{within}\n".encode() + path.read_bytes())
    return digest.hexdigest()
