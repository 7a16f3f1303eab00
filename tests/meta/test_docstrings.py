"""Every module says what it is for, and every docstring names its subject first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta.tree import ROOT, modules, relative

MODULES = sorted(
    path
    for name, path in modules("docs", "fakefs", "harness", "scenarios", "tests").items()
    if path.name != "__init__.py" or not name.startswith("tests")
)
_SENTENCE = re.compile(r"\S+(\s+\S+){2,}[.:?]")
_CLAUSE = re.compile(r"\s*(What|Who|How|Where|Whether|That|Of|By|Which)\b")
"""Words that begin a clause in place of a name (`What is printed` is `The text that is printed`)."""


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring in a module: its own, and those of classes, functions and attributes."""
    for node in ast.walk(ast.parse(path.read_text())):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            match statement:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    yield statement.lineno, text


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_it_says_in_a_sentence_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring or path.parent.name == "scenarios", f"{relative(path)} has no docstring"
    assert docstring is None or _SENTENCE.fullmatch(docstring.split("\n\n")[0]), docstring


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_each_docstring_names_its_subject_first(path: Path) -> None:
    assert [(line, text) for line, text in docstrings(path) if _CLAUSE.match(text)] == []


def test_the_rules_find_what_they_are_for(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text('"""Not a sentence"""\n\nX = 1\n"""Where it is."""\n')
    (module, attribute) = docstrings(wrong)
    assert not _SENTENCE.fullmatch(module[1])
    assert (attribute[0], bool(_CLAUSE.match(attribute[1]))) == (4, True)
    assert ROOT / "harness" / "model" / "records.py" in MODULES
