"""Finding things by walking a package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import harness.commands
import harness.judge.waits
import harness.resolve.futile
import harness.resolve.resolvers
from harness import registry
from harness.errors import FusezapError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / "found_things"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "a_thing.py").write_text("WANTED = 1\nALSO = 2\n")
    (folder / "other.py").write_text("WANTED = 3\n")
    (folder / "_hidden.py").write_text("raise AssertionError\n")
    (folder / "notes.txt").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("found_things")
    for name in [name for name in sys.modules if name.partition(".")[0] == "found_things"]:
        del sys.modules[name]


def test_names_have_hyphens_and_an_order(package: ModuleType) -> None:
    assert registry.names(package) == ("a-thing", "other")


def test_names_import_nothing(package: ModuleType) -> None:
    registry.names(package)
    assert "found_things.a_thing" not in sys.modules


def test_module(package: ModuleType) -> None:
    assert registry.module(package, "a-thing", "WANTED", "ALSO").WANTED == 1


def test_a_malformed_module_is_named_with_all_that_it_lacks(package: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(FusezapError) as caught:
        registry.module(package, "other", "WANTED", "ALSO", "execute")
    first, second = str(caught.value).splitlines()
    assert first == "found_things.other does not define ALSO, execute"
    assert second == f"see {tmp_path}/found_things/other.py"


def test_modules_stops_at_the_malformed_one(package: ModuleType) -> None:
    assert [module.WANTED for module in registry.modules(package, "WANTED")] == [1, 3]
    with pytest.raises(FusezapError, match=r"found_things\.other does not define ALSO"):
        registry.modules(package, "WANTED", "ALSO")


def test_a_file_with_an_error_in_it_is_named(package: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "found_things" / "broken.py").write_text("this is no Python\n")
    importlib.invalidate_caches()
    with pytest.raises(SyntaxError) as caught:
        registry.modules(package, "WANTED")
    assert caught.value.filename == f"{tmp_path}/found_things/broken.py"


@pytest.mark.parametrize(
    ("package", "needed"),
    [
        (harness.commands, ("HELP", "DESCRIPTION", "arguments", "execute")),
        (harness.resolve.resolvers, ("SUMMARY", "plan", "execute")),
        (harness.resolve.futile, ("SUMMARY", "plan", "execute")),
        (harness.judge.waits, ("ORDER", "explain")),
    ],
)
def test_what_the_project_has_is_well_formed(package: ModuleType, needed: tuple[str, ...]) -> None:
    assert registry.modules(package, *needed)


def test_no_two_reasons_to_wait_are_asked_in_the_same_place() -> None:
    orders = [module.ORDER for module in registry.modules(harness.judge.waits, "ORDER")]
    assert len(orders) == len(set(orders))
