"""The look-up that the other rules rest on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.meta import tree


def test_the_tree_is_the_same_with_and_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that a tool left, and git ignores, may lie in a checkout; every source must be in both."""
    names = {tree.relative(path) for path in tree.files()}
    assert {"pyproject.toml", "harness/model/records.py", "fakefs/policy.py", "tests/meta/test_tree.py"} <= names
    monkeypatch.setattr(tree, "_from_git", list)
    walked = {tree.relative(path) for path in tree.files()}
    assert {name for name in names if name.endswith(".py")} == {name for name in walked if name.endswith(".py")}


def test_imports_are_found_in_every_form(tmp_path: Path) -> None:
    file = tmp_path / "it.py"
    file.write_text(
        "import a.b, c\n"
        "from d import e, f\n"
        "from g.h import i\n"
        "from . import j\n"
        "from .k import l\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import only_types\n"
        "def late() -> None:\n    import m\n"
    )
    found = tree.imports("p.q.it", file, frozenset({"d.e", "p.q.j"}))
    assert found == {"a.b", "c", "d.e", "d", "g.h", "p.q.j", "p.q.k", "typing", "m"}
