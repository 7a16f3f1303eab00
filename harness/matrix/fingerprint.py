"""What a cell answers, in short: one that was measured holds until the question changes, or who answers it."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import fakefs
import harness
from harness.model import codec
from harness.run.session import Plan
from harness.scenario import Scenario

_NO_MATTER = ("report", "commands", "matrix")
"""Of harness/: what tells of a run, and takes no part in it."""


def asked(scenario: Scenario, plan: Plan) -> str:
    """SHA-256, hexadecimal, of the scenario as it is declared, what is done with it, and the program that does it."""
    question = [program(), codec.encode(scenario), plan.times, plan.resolver, plan.patience_s, plan.futile]
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()


@functools.cache
def program() -> str:
    """SHA-256, hexadecimal, of the sources that a run takes: a judge that was mended must judge again."""
    digest = hashlib.sha256()
    for package in (fakefs, harness):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            within = path.relative_to(root)
            if package is fakefs or within.parts[0] not in _NO_MATTER:
                digest.update(f"{root.name}/{within}\n".encode() + path.read_bytes())
    return digest.hexdigest()
