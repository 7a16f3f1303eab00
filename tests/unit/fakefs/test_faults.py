"""The registry of faults, and the answers of noop."""

import sys
from pathlib import Path

import pytest

from fakefs.calls import OPERATIONS, Call
from fakefs.fault import Reply
from fakefs.faults import FAULTS, collect

GOOD = "from fakefs.fault import Fault\nFAULT = Fault(name={name!r}, summary='s', inject=lambda r, a: None)\n"


def test_there_are_six() -> None:
    assert sorted(FAULTS) == ["delay", "die", "errno", "hang", "nest", "noop"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "bad.one: has no FAULT"),
        ("FAULT = 3", "bad.one: has no FAULT"),
        (GOOD.format(name="two"), "bad.one: its FAULT is named 'two', not like its file"),
        (GOOD.format(name="one").replace("'s'", "''"), "bad.one: needs a summary"),
        (GOOD.format(name="one").replace("'s'", "'s', metavar='N'"), "bad.one: needs a summary, and metavar"),
    ],
)
def test_a_malformed_file_fails_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    package = tmp_path / "bad"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=words):
        collect("bad", [str(package)])
    for name in ("bad", "bad.one"):
        sys.modules.pop(name, None)


def test_a_duplicate_fails_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "twice"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("a", "b"):
        (package / f"{name}.py").write_text(GOOD.format(name="a"))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"twice.b: its FAULT is named 'a' \(already a fault\)"):
        collect("twice", [str(package)])
    for name in ("twice", "twice.a", "twice.b"):
        sys.modules.pop(name, None)


class Asked:
    """A request for noop."""

    def __init__(self, operation: str, path: str = "/f") -> None:
        self.call = Call(operation, path)
        self.arguments = (path, b"12345", 0)
        self.mountpoint = "/mnt"

    def hold(self, seconds: float | None) -> None:
        raise AssertionError(seconds)

    def journal(self, event: str) -> None:
        raise AssertionError(event)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_noop_has_a_reply_for_every_operation(operation: str) -> None:
    assert isinstance(FAULTS["noop"].inject(Asked(operation), None), Reply)


def test_noop_write_claims_all_bytes() -> None:
    assert FAULTS["noop"].inject(Asked("write"), None) == Reply(5)
