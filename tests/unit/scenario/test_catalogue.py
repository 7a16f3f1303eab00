"""A file that is wrong is named, and the others are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import catalogue

GOOD = (catalogue.FOLDER / "healthy.py").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Scenario files beside the project's own."""
    package = catalogue._package()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    catalogue.read_catalogue.cache_clear()
    yield tmp_path
    catalogue.read_catalogue.cache_clear()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("broken_syntax", "SCENARIO = (", "SyntaxError"),
        ("broken_import", "import no_such_module", "ModuleNotFoundError"),
        ("empty_file", "", "does not define SCENARIO"),
        ("wrong_type", "SCENARIO = 3", "SCENARIO is a int"),
        ("wrong_field", GOOD.replace("summary=", "sumary="), "sumary"),
        ("healthy_again", GOOD, "the name 'healthy' is taken by another file"),
        ("another_name", GOOD.replace('"healthy"', '"something"'), "must be that of its file, 'another-name'"),
    ],
)
def test_it_is_named_and_the_others_are_there(folder: Path, name: str, text: str, words: str) -> None:
    before = set(catalogue.catalogue())
    catalogue.read_catalogue.cache_clear()
    (folder / f"{name}.py").write_text(text)
    found, broken = catalogue.read_catalogue()
    assert set(found) == before
    (message,) = broken
    assert message.startswith(f"scenarios/{name}.py: ")
    assert words in message


def test_a_good_one_is_one_more(folder: Path) -> None:
    (folder / "one_more.py").write_text(GOOD.replace('"healthy"', '"one-more"'))
    assert "one-more" in catalogue.catalogue()


def test_a_glob_finds_all_that_match_each_once() -> None:
    found = [each.name for each in catalogue.find(("*-self", "exit-flush-*", "healthy"))]
    assert len(found) == len(set(found))
    assert {"read-self", "exit-flush-self", "exit-flush-race", "healthy"} <= set(found)
    assert "read-outside" not in found
