"""Files that a guest left in its folder are taken by descriptors, plain files only, within limits."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.vm import evidence
from harness.vm.evidence import take

Leave = Callable[[Path, Path], object]


def host_folder(out: Path) -> Callable[[str], Path]:
    def made(name: str) -> Path:
        (out / name).mkdir(parents=True)
        return out / name

    return made


def _sparse(run: Path, secret: Path) -> None:
    del secret
    with (run / "holes.json").open("wb") as stream:
        stream.truncate(50 << 30)


def _socket(run: Path, secret: Path) -> None:
    del secret
    here = os.getcwd()
    os.chdir(run)  # the whole path is longer than a socket's name may be
    try:
        socket.socket(socket.AF_UNIX).bind("socket")
    finally:
        os.chdir(here)


def _folder_link(run: Path, secret: Path) -> None:
    (run.parent / "other").symlink_to(secret.parent)


ATTACKS: dict[str, Leave] = {
    "a link to a file of the host's": lambda run, secret: (run / "link.json").symlink_to(secret),
    "a link to a folder": _folder_link,
    "a FIFO": lambda run, _: os.mkfifo(run / "fifo.json"),
    "a socket": _socket,
    "50 GB of holes": _sparse,
    "a folder in a folder": lambda run, _: (run / "deep").mkdir(),
    "a name that moves the cursor": lambda run, _: (run / "\x1b[2J.json").write_text("x"),
    "a hidden name": lambda run, _: (run / ".bashrc").write_text("x"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_brings_nothing_and_is_named(attack: str, tmp_path: Path) -> None:
    secret = tmp_path / "host" / "secret"
    secret.parent.mkdir()
    secret.write_text("of the host")
    run = tmp_path / "share" / "out" / "healthy"
    run.mkdir(parents=True)
    (run / "snapshots.json").write_text("evidence")
    ATTACKS[attack](run, secret)
    out = tmp_path / "kept"
    taken = take(run.parent, host_folder(out))
    assert len(taken.refused) == 1
    assert taken.refused[0].isprintable()
    assert {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()} == {
        "healthy/snapshots.json": "evidence"
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="root: it makes a device node")
def test_a_device_node_is_not_opened(tmp_path: Path) -> None:
    run = tmp_path / "out" / "healthy"
    run.mkdir(parents=True)
    os.mknod(run / "zero.json", 0o600 | 0o020000, os.makedev(1, 5))
    taken = take(run.parent, host_folder(tmp_path / "kept"))
    assert len(taken.refused) == 1
    assert not (tmp_path / "kept").exists()


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "etc" / "run").mkdir(parents=True)
    (tmp_path / "etc" / "run" / "shadow").write_text("of the host")
    (tmp_path / "out").symlink_to("etc")
    taken = take(tmp_path / "out", host_folder(tmp_path / "kept"))
    assert len(taken.refused) == 1
    assert not (tmp_path / "kept").exists()


def test_none_at_all(tmp_path: Path) -> None:
    assert take(tmp_path / "absent", host_folder(tmp_path / "kept")).refused == []


def test_there_are_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "FILES", 2)
    monkeypatch.setattr(evidence, "BYTES", 10)
    run = tmp_path / "out" / "healthy"
    run.mkdir(parents=True)
    for name in ("a", "b", "c"):
        (run / name).write_text("123456")
    taken = take(run.parent, host_folder(tmp_path / "kept"))
    assert taken.refused == ["healthy/b: 6 bytes are too many", "healthy: more than 2 files"]
    assert taken.bytes == 6


def test_a_program_of_the_guests_is_not_taken(tmp_path: Path) -> None:
    run = tmp_path / "out" / "healthy"
    run.mkdir(parents=True)
    (run / "repro.sh").write_text("rm -rf /")
    assert take(run.parent, host_folder(tmp_path / "kept")).refused == []
    assert not (tmp_path / "kept").exists()
