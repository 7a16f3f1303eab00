"""Files that others can have prepared: none is written through a link, and none is read that never ends."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import files


def test_a_capture_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "capture.json"
    path.touch(mode=0o666)
    files.replace_file(path, "new", files.SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path], "nothing half written stays"


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "out.json"
    victim.write_text("old")
    path.symlink_to(victim)
    files.replace_file(path, "new")
    assert (victim.read_text(), path.read_text(), path.is_symlink()) == ("old", "new", False)


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [os.mkfifo, _zeros, os.mkdir], ids=["FIFO", "/dev/zero", "folder"])
def test_only_a_regular_file_is_read(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "it"
    make(path)
    with pytest.raises(OSError, match=r"no plain file|directory"):
        files.read_text(path, 1000)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(OSError, match="larger"):
        files.read_text(path, 1 << 20)
