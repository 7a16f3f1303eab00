"""A command that needs an extra, and pip."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.commands import _extras
from harness.errors import MachineError


def test_in_our_own_it_is_installed_and_a_failure_shows_pips_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / _extras.STAMP).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(_extras, "requirements", lambda _: ("./no-such-folder-at-all",))
    with pytest.raises(MachineError, match="no-such-folder-at-all"):
        _extras.ensure("farm", "no_such_module", "--cluster")
    assert "installing no_such_module, once" in capsys.readouterr().err
