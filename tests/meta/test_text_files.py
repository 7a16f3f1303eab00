"""Text files are text files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.meta.tree import files, relative

BINARY = {".gz", ".png", ".xz", ".zst"}
CORPUS = "tests/fuzz/corpus/"
"""Inputs that a fuzzer found: their bytes are the finding."""
TEXTS = [path for path in files() if path.suffix not in BINARY and not relative(path).startswith(CORPUS)]


@pytest.mark.parametrize("path", TEXTS, ids=relative)
def test_form(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    lines = text.split("\n")
    assert lines.pop() == "", "does not end in a newline"  # and an empty file has no line to end
    assert lines[-1:] != [""], "ends in an empty line"
    assert "\r" not in text
    trailing = [number for number, line in enumerate(lines, 1) if line != line.rstrip()]
    assert trailing == [], "trailing blanks"
    if path.suffix in (".py", ".toml", ".yml", ".sh"):
        assert [number for number, line in enumerate(lines, 1) if "\t" in line] == [], "tabs"


def test_there_is_something_to_look_at() -> None:
    assert {"README.md", "pyproject.toml"} <= {path.name for path in TEXTS}
