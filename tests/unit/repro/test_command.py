"""The command: one file to standard output, or files into a folder or a kernel tree."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from harness.commands import repro
from harness.errors import UsageError
from harness.repro.forms import kselftest


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    repro.arguments(parser)
    return repro.execute(parser.parse_args(words))


def test_one_file_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("healthy") == 0
    assert capsys.readouterr().out.startswith("// SPDX-License-Identifier: GPL-2.0\n")


def test_several_files_need_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are 2 files"):
        run("healthy", "zombies")
    assert run("healthy", "zombies", "--out", str(tmp_path / "new")) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"healthy.c", "zombies.c"}


def test_a_script_can_be_executed(tmp_path: Path) -> None:
    assert run("healthy", "--form", "sh", "--out", str(tmp_path)) == 0
    assert (tmp_path / "healthy.sh").stat().st_mode & 0o100


def test_a_form_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="unknown form 'kselftests'; near: kselftest"):
        run("healthy", "--form", "kselftests")


def test_a_kernel_tree_gets_its_tests_where_they_belong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    targets = tmp_path / kselftest.TARGETS
    targets.parent.mkdir(parents=True)
    targets.write_text("TARGETS = alsa\nTARGETS += zram\n")
    for _ in range(2):
        assert run("healthy", "--form", "kselftest", "--out", str(tmp_path)) == 0
    assert targets.read_text() == "TARGETS = alsa\nTARGETS += filesystems/fuse\nTARGETS += zram\n"
    assert (tmp_path / kselftest.FOLDER / "Makefile").read_text().count("TEST_GEN_PROGS += healthy") == 1
    assert str(targets) in capsys.readouterr().out
