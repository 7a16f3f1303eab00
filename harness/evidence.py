"""What `--out DIR` keeps: snapshots and journal before any remedy, the result after it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from harness import recording, repro
from harness.launch.victim import Victim
from harness.model import Result, Verdict


def folder(base: Path, scenario: str) -> Path:
    """A fresh folder for this run: `scenario`, `scenario-2`, …"""
    base.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        made = base / (scenario if number == 1 else f"{scenario}-{number}")
        try:
            made.mkdir()
            return made
        except FileExistsError:
            number += 1


def writer(out: Path) -> Callable[[Victim, Verdict], None]:
    def write(victim: Victim, verdict: Verdict) -> None:
        (out / "snapshots.json").write_text(recording.dump((victim.armed, *verdict.snapshots)))
        shutil.copyfile(victim.journal, out / "journal.jsonl")
        script = out / "repro.sh"
        script.write_text(repro.script(victim.scenario))
        script.chmod(0o755)

    return write


def write_result(out: Path, result: Result) -> None:
    from harness.report import json as report

    (out / "result.json").write_text(report.render((result,), ()))
