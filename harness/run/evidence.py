"""The files that `--out DIR` keeps: snapshots and journal before any remedy, the result after it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from harness.launch.victim import Victim
from harness.model import recording
from harness.model.records import Result, Snapshot
from harness.report import outputs
from harness.repro.forms import sh


def fresh_folder(base: Path, name: str) -> Path:
    """Make the folder NAME in `base`, or NAME-2, NAME-3, …: the first that does not exist."""
    base.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = base / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


class Evidence:
    """A fresh folder in `base` for one run: SCENARIO, SCENARIO-2, …"""

    def __init__(self, base: Path, scenario: str) -> None:
        self._began = time.time()
        self.folder = fresh_folder(base, scenario)

    def before_remedy(self, victim: Victim, snapshots: tuple[Snapshot, ...]) -> None:
        (self.folder / "snapshots.json").write_text(recording.dump(snapshots))
        if victim.journal.exists():
            shutil.copyfile(victim.journal, self.folder / "journal.jsonl")
        if sh.possible(victim.scenario):
            script = self.folder / "repro.sh"
            script.write_text(sh.script(victim.scenario))
            script.chmod(0o755)

    def result(self, result: Result) -> None:
        from harness.report.formats import json
        from harness.run.tally import Tally

        tally = Tally(result.kernel, result.about)
        tally.add(result)
        command = f"fusezap run {result.about.name}"
        whole = outputs.report(command, self._began, time.time() - self._began, (tally.series(),), ())
        (self.folder / "result.json").write_text(json.render(whole))
