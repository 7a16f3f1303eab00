"""The single file is the same, byte for byte, whoever builds it and when."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.diagnosis import pyz


def test_it_is_reproducible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyz.build(tmp_path / "one.pyz")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("LC_ALL", "C")
    mask = os.umask(0o077)
    try:
        pyz.build(tmp_path / "two.pyz")
    finally:
        os.umask(mask)
    assert (tmp_path / "one.pyz").read_bytes() == (tmp_path / "two.pyz").read_bytes()
