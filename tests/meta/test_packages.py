"""pyproject.toml describes the tree as it is."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import Any

import pytest

from tests.meta.tree import ROOT, files, modules

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
IN_WHEEL: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]


def test_the_packages_are_the_folders() -> None:
    folders = {path.parent.name for path in files() if path.name == "__init__.py" and path.parent.parent == ROOT} - {
        "tests"
    }
    assert {name for name in IN_WHEEL if not name.endswith(".py")} == folders


def test_the_linters_see_the_same_packages() -> None:
    mypy = PROJECT["tool"]["mypy"]
    assert {name.removesuffix(".py") for name in IN_WHEEL} <= {*mypy["packages"], *mypy["modules"]}


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without __init__.py is found in the checkout and missing in places that walk packages."""
    lacking = {path.parent for path in modules("fakefs", "harness", "scenarios", "tests").values()}
    assert {folder for folder in lacking if not (folder / "__init__.py").exists()} == set()


@pytest.mark.parametrize("name", PROJECT["project"]["scripts"])
def test_each_command_is_there(name: str) -> None:
    module, _, function = PROJECT["project"]["scripts"][name].partition(":")
    body = ast.parse(modules("fakefs", "fusezap", "harness")[module].read_text()).body
    assert function in {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_the_version_is_one_and_in_the_changelog() -> None:
    text = (ROOT / PROJECT["tool"]["hatch"]["version"]["path"]).read_text()
    found = re.findall(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    assert len(found) == 1
    assert found[0] in (ROOT / "CHANGELOG.md").read_text()


def test_the_files_that_it_names_are_there() -> None:
    named = [PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]]
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_what_a_dependency_needs_is_a_lower_bound() -> None:
    for requirement in PROJECT["project"]["dependencies"]:
        assert re.fullmatch(r"[A-Za-z0-9-]+>=[0-9.]+", requirement), requirement
