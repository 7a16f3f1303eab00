"""Every module says what it is for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.meta.tree import ROOT, modules, relative

PUBLIC = [
    path
    for name, path in modules("fakefs", "harness", "tests").items()
    if path.name != "__init__.py" or not name.startswith("tests")
]


@pytest.mark.parametrize("path", PUBLIC, ids=relative)
def test_it_has_a_docstring(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, f"{relative(path)} has none"
    assert docstring.strip()[0].isupper() or not docstring.strip()[0].isalpha() or " " in docstring


def test_there_is_something_to_look_at() -> None:
    assert ROOT / "harness" / "model" / "records.py" in PUBLIC
