"""prove(1) reads the KTAP report, and comes to the same conclusion."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.model.records import Report
from harness.report.formats.ktap import render
from tests.conftest import require
from tests.unit.report.test_ktap import KINDS, parsed
from tests.unit.results import (
    report_of,
    series_of,
)


def proved(tmp_path: Path, report: Report) -> tuple[int, str]:
    file = tmp_path / "report.tap"
    file.write_text(render(report))
    argv = ["prove", "--verbose", "--exec", "cat", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout + done.stderr


def test_prove_passes_what_passes(tmp_path: Path) -> None:
    require("prove")
    status, text = proved(tmp_path, report_of(series_of("healthy"), series_of("server-stopped")))
    assert status == 0, text
    assert "Files=1, Tests=2," in text
    assert "Result: PASS" in text


def test_prove_fails_what_fails(tmp_path: Path) -> None:
    require("prove")
    status, text = proved(tmp_path, KINDS["mixed"])
    assert status != 0
    assert "Failed test:  1\n" in text
    assert "Tests: 4 Failed: 1)" in text
    assert "less 1 skipped subtest: 2 okay" in text


@pytest.mark.parametrize("kind", KINDS)
def test_prove_finds_no_error_of_form(kind: str, tmp_path: Path) -> None:
    require("prove")
    status, text = proved(tmp_path, KINDS[kind])
    assert "Parse errors" not in text
    assert (status == 0) == all(point.ok for point in parsed(render(KINDS[kind]))), text


def test_prove_skips_nothing_at_all(tmp_path: Path) -> None:
    require("prove")
    status, text = proved(tmp_path, report_of())
    assert status == 0
    assert "Result: NOTESTS" in text
