"""The set-up script on copies of the checkout, so that the checkout's own environment stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require

CHECKOUT = Path(__file__).parents[2]
LEFT_OUT = {".git", ".venv", ".venv.lock", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__"}


@pytest.fixture(autouse=True)
def machine() -> None:
    """Each test shows the script another machine, in namespaces of its own."""
    require("unshare", "setpriv", "env", root=True)


def exported(target: Path) -> Path:
    """The checkout as a newcomer has it: without environments and caches."""
    shutil.copytree(CHECKOUT, target, ignore=lambda _, names: LEFT_OUT & set(names), symlinks=True)
    return target


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy without an environment, at a path with a space and other odd characters."""
    return exported(tmp_path / "a path, with 'odd' (characters)")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose environment has been made: it takes half a minute, so there is one for all."""
    folder = exported(tmp_path_factory.mktemp("setup") / "made here")
    done = run(folder, "setup")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """`./fusezap ARGUMENTS` of that copy, started from another folder."""
    options: dict[str, object] = {"cwd": "/", "capture_output": True, "text": True, "timeout": 300, **settings}
    return subprocess.run([str(folder / "fusezap"), *arguments], **options)  # type: ignore[call-overload,no-any-return]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, **changes}
