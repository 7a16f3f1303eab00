"""Optional dependencies: what is printed where they are missing, and what is run in an environment of our own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands import _extras
from harness.errors import MachineError


def test_the_requirements_are_those_of_pyproject() -> None:
    (requirement,) = _extras.requirements("farm")
    assert requirement.startswith("distributed>=")
    assert _extras.requirements("no-such-extra") == ()


def test_what_is_there_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("nothing is to be run"))
    _extras.ensure("farm", "json", "--cluster")


def test_in_an_environment_of_others_the_line_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(MachineError, match="--cluster needs no_such_module") as caught:
        _extras.ensure("farm", "no_such_module", "--cluster")
    assert "-m pip install" in str(caught.value)
    assert "'distributed>=" in str(caught.value)
