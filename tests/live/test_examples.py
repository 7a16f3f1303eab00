"""The script of the documentation, with a server that is not prone to the hang and with one that is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.tree import ROOT

SERVER = f"{sys.executable} -P -m fakefs {{mountpoint}} --file /held --file /other"


@pytest.mark.parametrize(
    ("server", "status", "outcome"),
    [(SERVER, 0, "released"), (f"{SERVER} --policy {ROOT}/docs/examples/nested-open.toml", 1, "deadlock")],
)
def test_is_prone(tmp_path: Path, server: str, status: int, outcome: str) -> None:
    argv = [sys.executable, "-P", str(ROOT / "docs/examples/is_prone.py"), server, "/held"]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stderr, ended.returncode) == ("", status)
    assert ended.stdout.startswith(f"{outcome}\n  ")
