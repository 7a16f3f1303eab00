"""Hostile packages: refused by the member's name, or made harmless; nothing outside of the folder changes."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.kernels import compression
from harness.kernels.sources import _root, _unpack
from harness.kernels.sources._unpack import unpack_cpio, unpack_tar, vet
from tests.conftest import require


def entry(name: str, kind: bytes = tarfile.REGTYPE, *, target: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = kind, target, mode
    return found


def packed(*members: tuple[tarfile.TarInfo, bytes] | tarfile.TarInfo) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for each in members:
            member, content = each if isinstance(each, tuple) else (each, b"")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    stream.seek(0)
    return stream


def device(kind: bytes) -> tarfile.TarInfo:
    found = entry("dev/zero", kind)
    found.devmajor, found.devminor = 1, 5
    return found


REFUSED: dict[str, list[tuple[tarfile.TarInfo, bytes] | tarfile.TarInfo]] = {
    "a device": [device(tarfile.CHRTYPE)],
    "a block device": [device(tarfile.BLKTYPE)],
    "a FIFO": [entry("boot/config-6.1", tarfile.FIFOTYPE)],
    "a name above": [(entry("../evil"), b"x")],
    "a name above, deeper": [(entry("boot/../../evil"), b"x")],
    "a link above": [entry("boot/link", tarfile.SYMTYPE, target="../../evil")],
    "a file below a link": [entry("boot", tarfile.SYMTYPE, target="lib"), (entry("boot/evil"), b"x")],
    "a hard link above": [entry("boot/evil", tarfile.LNKTYPE, target="../../etc/passwd")],
    "a hard link to nothing": [entry("boot/evil", tarfile.LNKTYPE, target="etc/passwd")],
    "a hard link to a link": [
        entry("boot/link", tarfile.SYMTYPE, target="/etc/passwd"),
        entry("boot/evil", tarfile.LNKTYPE, target="boot/link"),
    ],
    "a file in the place of a folder": [entry("boot", tarfile.DIRTYPE), (entry("boot"), b"x")],
    "a name that moves the cursor": [entry("\x1b[2Jevil", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("attack", REFUSED)
def test_it_is_refused_by_its_name(attack: str, tmp_path: Path) -> None:
    (tmp_path / "evil-free").mkdir()
    folder = tmp_path / "entry"
    folder.mkdir()
    with pytest.raises(UsageError, match=r"its member ") as caught:
        unpack_tar(packed(*REFUSED[attack]), folder, "it.deb")
    assert "evil" in str(caught.value) or "boot" in str(caught.value) or "dev/zero" in str(caught.value)
    assert str(caught.value).replace("\n", "").isprintable()
    assert sorted(os.listdir(tmp_path)) == ["entry", "evil-free"]


def test_an_absolute_name_and_an_absolute_link_mean_the_packages_own_root(tmp_path: Path) -> None:
    """As the link `build` of Fedora's kernels, which leads to /usr/src."""
    link = entry("/lib/modules/6.1/build", tarfile.SYMTYPE, target="/usr/src/linux")
    unpack_tar(packed(link, (entry("/boot/evil"), b"x")), tmp_path, "it.deb")
    assert os.readlink(tmp_path / "lib/modules/6.1/build") == "../../../usr/src/linux"
    assert (tmp_path / "boot/evil").read_text() == "x"


def test_no_right_goes_beyond_that_of_a_plain_file(tmp_path: Path) -> None:
    unpack_tar(packed((entry("bin/su", mode=0o6777), b"x"), (entry("bin/t", mode=0o1777), b"x")), tmp_path, "it.deb")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "bin").iterdir()} == {0o755}


def test_the_later_one_of_a_name_counts_and_no_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("of the host")
    folder = tmp_path / "entry"
    folder.mkdir()
    (folder / "boot").mkdir()
    (folder / "boot/x").symlink_to(tmp_path / "host")
    unpack_tar(packed((entry("boot/x"), b"of the package")), folder, "it.deb")
    assert (tmp_path / "host").read_text() == "of the host"
    assert (folder / "boot/x").read_text() == "of the package"


@pytest.mark.parametrize(("limit", "value"), [("FILE_BYTES", 3), ("BYTES", 6), ("MEMBERS", 1)])
def test_there_are_limits(limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_unpack, limit, value)
    with pytest.raises(UsageError, match="its member"):
        unpack_tar(packed((entry("a"), b"1234"), (entry("b"), b"1234")), tmp_path, "it.deb")


def test_a_size_that_is_only_said_costs_nothing(tmp_path: Path) -> None:
    member = entry("huge")
    member.size = 1 << 40
    with pytest.raises(UsageError, match="1099511627776 bytes"):
        unpack_tar(io.BytesIO(member.tobuf()), tmp_path, "it.deb")


@pytest.mark.parametrize("text", [b"", b"no tar", b"\x1f\x8b\x08", b"x" * 2000])
def test_what_is_no_archive(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpack_tar(io.BytesIO(text), tmp_path, "it.deb")


def _made_by_cpio(root: Path) -> bytes:
    require("cpio")
    names = b"\n".join(os.fsencode(path.relative_to(root)) for path in sorted(root.rglob("*")))
    argv = ["cpio", "--quiet", "-o", "-H", "newc"]
    return subprocess.run(argv, cwd=root, input=names, capture_output=True, check=True).stdout


def _fifo(root: Path) -> None:
    os.mkfifo(root / "boot/fifo")


def _link(root: Path) -> None:
    (root / "boot/link").symlink_to("../../evil")


@pytest.mark.parametrize("attack", [_fifo, _link])
def test_a_hostile_cpio_is_refused(attack: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "root/boot").mkdir(parents=True)
    attack(tmp_path / "root")
    (tmp_path / "entry").mkdir()
    with pytest.raises(UsageError, match="its member boot/"):
        unpack_cpio(io.BytesIO(_made_by_cpio(tmp_path / "root")), tmp_path / "entry", "it.rpm")


def test_a_cpio_comes_out_as_it_went_in(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", tmp_path / "entry"
    (root / "boot").mkdir(parents=True)
    folder.mkdir()
    (root / "boot/a").write_bytes(b"123")
    (root / "boot/b").write_bytes(b"1234")
    (root / "boot/l").symlink_to("a")
    unpack_cpio(io.BytesIO(_made_by_cpio(root)), folder, "it.rpm")
    assert {path.name: path.read_bytes() for path in (folder / "boot").iterdir()} == {
        "a": b"123",
        "b": b"1234",
        "l": b"123",
    }


@pytest.mark.parametrize("at", [0, 50, 110, 120])
def test_half_a_cpio_is_refused(at: int, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a").write_bytes(b"1234")
    (tmp_path / "entry").mkdir()
    with pytest.raises(UsageError, match="cannot be unpacked"):
        unpack_cpio(io.BytesIO(_made_by_cpio(tmp_path / "root")[:at]), tmp_path / "entry", "it.rpm")


def test_what_another_program_unpacked_is_looked_over(tmp_path: Path) -> None:
    (tmp_path / "su").touch()
    (tmp_path / "su").chmod(0o4755)
    (tmp_path / "link").symlink_to("/etc/passwd")
    vet(tmp_path, "image")
    assert stat.S_IMODE((tmp_path / "su").stat().st_mode) == 0o755
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="its member fifo is"):
        vet(tmp_path, "image")


def test_a_link_to_the_host_is_not_taken_for_the_kernels_folder(tmp_path: Path) -> None:
    """A defect here once removed everything on the host but its kernel."""
    host = tmp_path / "host"
    (host / "boot").mkdir(parents=True)
    (host / "boot/vmlinuz-6.1").touch()
    (host / "precious").touch()
    root = tmp_path / "root"
    (root / "data/kernels").mkdir(parents=True)
    (root / "data/kernels/6.1").symlink_to(host)
    assert _root.located(root) == root
    with pytest.raises(UsageError, match="has no image"):
        _root.complete(_root.located(root), "image", "hint")
    assert (host / "precious").exists()
    shutil.rmtree(root / "data")
    (host / "data/kernels").mkdir(parents=True)
    (root / "data").symlink_to(host / "data")
    assert _root.located(root) == root


def test_a_configuration_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"CONFIG_FUSE_FS=\xff\xfe\n")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        _root.needs_none(tmp_path / "config")


def test_an_image_that_grows_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import bz2
    import gzip
    import lzma

    monkeypatch.setattr(compression, "MOST", 1 << 20)
    monkeypatch.setattr(compression, "_by_command", lambda *_: b"\0" * (compression.MOST + 1))
    holes = b"\0" * (4 << 20)
    for data in (gzip.compress(holes), bz2.compress(holes), b"\x28\xb5\x2f\xfd"):
        with pytest.raises(UsageError, match="larger than 1 MiB"):
            compression.decompressed(data)
    assert compression.decompressed(lzma.compress(holes)) is None, "its dictionary alone is larger"
