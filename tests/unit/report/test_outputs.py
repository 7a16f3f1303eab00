"""Destinations of a report."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness import files, registry
from harness.errors import UsageError
from harness.model.events import Counted
from harness.report import formats, outputs
from harness.report.outputs import Outputs
from tests.conftest import require
from tests.unit.results import report_of, result_of, series_of, skipped_series

REPORT = report_of(series_of("exit-flush-self", 20), series_of("healthy"), skipped_series("server-stopped"))


@pytest.mark.parametrize("name", outputs.formats())
def test_every_format_says_what_it_is_and_renders_every_kind_of_series(name: str) -> None:
    format_ = outputs.module(name)
    assert format_.SUMMARY
    assert "\n" not in format_.SUMMARY
    text = format_.render(REPORT)
    assert "exit-flush-self" in text
    assert text.endswith("\n")
    assert text == format_.render(REPORT), "the same report is the same text"


def test_all_that_were_asked_for_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [name for name in outputs.formats() if name != outputs.STREAMED]
    targets = outputs.parse([f"{name}={tmp_path / name}" for name in names])
    Outputs("json", targets).write(REPORT)
    assert json.loads(capsys.readouterr().out)["series"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_the_streamed_one_has_a_line_for_each_run_as_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    out = Outputs(None, outputs.parse([f"jsonl={file}"]))
    for expected in (1, 2, 3):
        out.take(Counted(result_of("healthy")))
        assert len(file.read_text().splitlines()) == expected
    out.write(REPORT)
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record["type"] for record in records] == ["run"] * 3 + ["series"] * 3


def test_the_streamed_one_is_not_written_through_a_link(tmp_path: Path) -> None:
    """Others may have put one there, where they may write, too; what it leads to is left as it is."""
    victim = tmp_path / "victim"
    victim.write_text("whole")
    file = tmp_path / "runs"
    file.symlink_to(victim)
    out = Outputs(None, outputs.parse([f"jsonl={file}"]))
    out.take(Counted(result_of("healthy")))
    out.write(REPORT)
    assert victim.read_text() == "whole"
    assert not file.is_symlink()
    assert len(file.read_text().splitlines()) == 4
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="no plain file"):
        Outputs(None, outputs.parse([f"jsonl={tmp_path / 'fifo'}"]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("htm=x", "unknown format 'htm'; near: html"),
        ("ktap", "is not FORMAT=FILE"),
        ("ktap=", "is not FORMAT=FILE"),
        ("ktap=/nowhere/at/all", "no file can be written there"),
        ("ktap=/", "no file can be written there"),
    ],
)
def test_what_could_not_be_written_is_refused_before_anything_runs(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        outputs.parse([text])


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "report"
    file.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        files.replace_file(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_name_that_is_no_text_is_written_escaped(tmp_path: Path) -> None:
    files.replace_file(tmp_path / "report", "\udcff")
    assert (tmp_path / "report").read_text() == "\\udcff"


def test_root_keeps_nothing_in_the_home_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under a sudo that keeps HOME: a link in the place of a lock would have root truncate any file."""
    require(root=True)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert files.user_folder("XDG_CACHE_HOME", ".cache") == home / ".cache"
    os.chown(home, 1000, 1000)
    assert files.user_folder("XDG_CACHE_HOME", ".cache") == Path("/root/.cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "below"))
    assert files.user_folder("XDG_CACHE_HOME", ".cache") == Path("/root/.cache")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert files.user_folder("XDG_CACHE_HOME", ".cache") == home / "below", "a user's own choice counts"


def test_helpers_are_no_formats() -> None:
    assert all(not name.startswith("-") for name in registry.names(formats))
    assert {"terminal", "json", "jsonl", "ktap", "junit", "kcidb", "markdown", "trace"} <= set(outputs.formats())
