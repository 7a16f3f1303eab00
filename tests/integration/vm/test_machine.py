"""The archive that a guest starts from, and a guest that fills the shared folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.vm import initramfs, machine, root, share, wire
from harness.vm.command import Command
from harness.vm.machine import LostError, started
from tests.conftest import require


def test_the_archive_holds_what_it_must(tmp_path: Path) -> None:
    require("busybox")
    module = tmp_path / "it.ko"
    module.write_bytes(b"module")
    archive = initramfs.build(tmp_path, "#!/bin/busybox sh\n", (module,), root.busybox())
    listed = subprocess.run([root.busybox(), "cpio", "-t"], stdin=archive.open("rb"), capture_output=True, check=True)
    assert {"init", "bin/busybox", "modules/it.ko", "root"} <= set(listed.stdout.decode().split())


def test_a_folder_that_a_guest_has_made_deep_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "above", lambda: tmp_path)
    with share.shared(None) as folder:
        here = os.open(folder, os.O_RDONLY)
        for _ in range(3000):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "words"), [("SHARE_FILES", 10, "than 10 files"), ("SHARE_BYTES", 9000, "0 GiB")]
)
def test_a_guest_that_fills_the_disk_is_lost(
    name: str, value: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, name, value)
    (tmp_path / wire.EVENTS).touch()
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 40)
    assert machine.excess(tmp_path) == "", "a hole takes nothing"
    script = (
        f'n=0; while :; do n=$((n + 1)); head -c 5000 /dev/zero >"{tmp_path}/$n"; [ $n -lt 20 ] || exec sleep 600; done'
    )
    with pytest.raises(LostError, match=words), started(Command(("sh", "-c", script)), tmp_path, 120, False) as running:
        list(running.events(lambda _: True))
