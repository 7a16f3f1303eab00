"""The modules that a run never imports: they would double its start."""

from __future__ import annotations

import subprocess
import sys


def test_the_records_import_neither_dataclasses_nor_inspect() -> None:
    modules = "harness.model.records, harness.judge.verdict, harness.run.session, harness.commands.run"
    program = f"import sys, {modules}\nprint(*({{'dataclasses', 'inspect'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
