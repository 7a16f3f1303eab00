"""The control filesystem, as a folder of the same shape."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.linux.fusectl import Fusectl, abort


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, waiting in (("41", "1\n"), ("7", "0\n"), ("9", "")):
        (tmp_path / number).mkdir()
        (tmp_path / number / "waiting").write_text(waiting)
        (tmp_path / number / "abort").touch()
    (tmp_path / "not-a-number").touch()
    return tmp_path


@pytest.fixture
def ctl(folder: Path) -> Iterator[Fusectl]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    yield Fusectl(fd)
    os.close(fd)


def test_numbers(ctl: Fusectl) -> None:
    assert sorted(ctl.numbers()) == [7, 9, 41]


def test_waiting(ctl: Fusectl) -> None:
    assert ctl.waiting(41) == 1
    assert ctl.waiting(7) == 0


def test_a_connection_that_is_gone(ctl: Fusectl) -> None:
    with pytest.raises(FileNotFoundError):
        ctl.waiting(1)


def test_a_connection_that_ends_between_open_and_read(ctl: Fusectl) -> None:
    """It reads as empty then."""
    with pytest.raises(FileNotFoundError, match="9/waiting"):
        ctl.waiting(9)


def test_abort_goes_through_the_file_that_was_opened(ctl: Fusectl, folder: Path) -> None:
    with ctl.abort_opened(41) as fd:
        (folder / "41").rename(folder / "50")
        abort(fd)
    assert (folder / "50" / "abort").read_text() == "1"
    assert (folder / "7" / "abort").read_text() == ""
