"""The places where `--out` keeps things."""

from __future__ import annotations

import json
from pathlib import Path

from harness.run.evidence import Evidence
from tests.unit.results import result_of


def test_every_run_has_a_fresh_folder(tmp_path: Path) -> None:
    base = tmp_path / "deep" / "out"
    folders = [Evidence(base, name).folder.name for name in ("healthy", "healthy", "other", "healthy")]
    assert folders == ["healthy", "healthy-2", "other", "healthy-3"]


def test_the_result_is_one_document(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path, "exit-flush-self")
    evidence.result(result_of("exit-flush-self"))
    (result,) = json.loads((tmp_path / "exit-flush-self" / "result.json").read_text())["results"]
    assert result["outcome"] == "deadlock"
