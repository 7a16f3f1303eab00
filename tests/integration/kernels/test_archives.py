"""Kernels out of archives on the web: laid out as theirs, served here, fetched whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from harness.errors import KernelError, MachineError, UsageError
from harness.kernels import spec as kernel_spec
from harness.kernels import store as kernel_store
from harness.kernels import web
from harness.kernels.progress import Bytes, Report
from harness.kernels.sources import mainline, snapshot
from tests.conftest import require
from tests.integration.kernels.archive import ARCHITECTURE, Archive, checksums, served
from tests.unit.kernels.packed import built_rpm, deb
from tests.unit.kernels.roots import IMAGE, module, root_with_kernel
from tests.unit.kernels.test_architectures import RELEASE

MACHINE = os.uname().machine
MAINLINE = "6.3.0-060300-generic"


def silent(_: object) -> None:
    """For what takes no time."""


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    require("gcc", "depmod", "modprobe", "dpkg-deb")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "archive"
    folder.mkdir()
    with served(folder) as archive:
        for name in ("mainline", "snapshot", "koji"):
            monkeypatch.setenv(f"FUSEZAP_{name.upper()}", f"{archive.address}/{name}")
        yield archive


def packed(tmp_path: Path, release: str, name: str) -> Path:
    """A package of half a megabyte."""
    root = root_with_kernel(tmp_path / f"root-{name}", release)
    (root / "usr/share/doc/much").write_bytes(os.urandom(500_000))
    return deb(root, name)


@pytest.fixture
def ubuntu(archive: Archive, tmp_path: Path) -> Path:
    """v6.3 with one package file; its path."""
    folder = archive.folder / "mainline/v6.3" / ARCHITECTURE
    folder.mkdir(parents=True)
    file = packed(tmp_path, MAINLINE, f"linux-image-unsigned-{MAINLINE}_6.3.0-060300.202304_{ARCHITECTURE}.deb")
    for other in ("linux-headers-6.3.0-060300_6.3.0_all.deb", f"linux-modules-other-lowlatency_1_{ARCHITECTURE}.deb"):
        (folder / other).write_text("not wanted")
    path = file.rename(folder / file.name)
    checksums(folder)
    return path


# ---- Ubuntu's builds of mainline -------------------------------------------------------------------------------------


def test_a_version_of_mainline_is_fetched_once_and_needs_no_network_then(archive: Archive, ubuntu: Path) -> None:
    image = kernel_spec.find("mainline:v6.3", silent)
    assert (image.release, image.package) == (MAINLINE, ubuntu.stem)
    assert archive.sent == [(0, ubuntu.stat().st_size)]
    archive.asked.clear()
    assert kernel_spec.find("mainline:v6.3", silent) == image
    assert archive.asked == []
    assert kernel_spec.forget("mainline:v6.3", silent) > 0
    with pytest.raises(UsageError, match="was not fetched"):
        kernel_spec.forget("mainline:v6.3", silent)


def test_the_older_layout_has_all_machines_in_one_folder(archive: Archive, ubuntu: Path) -> None:
    old = archive.folder / "mainline/v4.20"
    old.mkdir()
    ubuntu.rename(old / ubuntu.name)
    checksums(old)
    assert kernel_spec.find("mainline:v4.20", silent).release == MAINLINE


def test_a_version_that_did_not_build_is_the_kernels_fault_and_one_that_is_not_there_the_users(
    archive: Archive, ubuntu: Path
) -> None:
    ubuntu.unlink()
    checksums(ubuntu.parent)
    with pytest.raises(KernelError, match="its build failed there"):
        kernel_spec.find("mainline:v6.3", silent)
    (archive.folder / "mainline/v6.4").mkdir()
    with pytest.raises(KernelError, match=r"no checksums of v6\.4"):
        kernel_spec.find("mainline:v6.4", silent)
    with pytest.raises(UsageError, match=r"the archive has no v6\.5"):
        kernel_spec.find("mainline:v6.5", silent)
    with pytest.raises(UsageError, match="names no version"):
        kernel_spec.find("mainline:6.3", silent)


def test_a_range_is_that_of_mainline_or_of_one_stable_series(archive: Archive) -> None:
    listed = ("v6.2", "v6.2.16", "v6.3", "v6.3-rc1", "v6.3-rc10", "v6.3-rc2", "v6.3.1", "v6.3.13", "v6.4-rc1", "daily")
    for name in listed:
        (archive.folder / "mainline" / name).mkdir(parents=True)
    wide = ["v6.2", "v6.3-rc1", "v6.3-rc2", "v6.3-rc10", "v6.3", "v6.4-rc1"]
    assert mainline.line("mainline:v6.2..v6.4") == tuple(f"mainline:{each}" for each in wide)
    stable = ["v6.3", "v6.3.1", "v6.3.13"]
    assert mainline.line("mainline:v6.3..v6.3.13") == tuple(f"mainline:{each}" for each in stable)
    assert mainline.line("mainline:v6.3") == ("mainline:v6.3",)
    with pytest.raises(UsageError, match=r"no version from v5\.0 to v5\.9"):
        kernel_spec.line("mainline:v5.0..v5.9")


# ---- transfer --------------------------------------------------------------------------------------------------------


def test_a_connection_that_breaks_is_resumed_byte_by_byte(archive: Archive, ubuntu: Path) -> None:
    archive.break_after = 200_000
    assert kernel_spec.find("mainline:v6.3", silent).release == MAINLINE
    size = ubuntu.stat().st_size
    assert archive.sent == [(0, 200_000), (200_000, 200_000), (400_000, size - 400_000)]


def test_a_server_that_brings_nothing_more_is_an_error_and_the_next_fetch_resumes(
    archive: Archive, ubuntu: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(response: http.client.HTTPResponse, out: IO[bytes], fetched: Bytes, _: Report) -> None:
        out.write(response.read(1000 - fetched.done))
        raise ConnectionResetError(errno.ECONNRESET, "reset")

    with monkeypatch.context() as patched:
        patched.setattr(web, "_copy", broken)
        with pytest.raises(MachineError, match="cannot be fetched: Connection reset by peer"):
            kernel_spec.find("mainline:v6.3", silent)
    assert kernel_spec.find("mainline:v6.3", silent).release == MAINLINE
    assert archive.sent[-1] == (1000, ubuntu.stat().st_size - 1000)


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_file_that_changed_after_a_part_of_it_came_is_fetched_anew(
    knows_ranges: bool, archive: Archive, ubuntu: Path, tmp_path: Path
) -> None:
    file = web.WebFile(f"{archive.address}/mainline/v6.3/{ARCHITECTURE}/{ubuntu.name}", "it.deb")
    (tmp_path / "it.deb.part").write_bytes(b"of another version")
    (tmp_path / "it.deb.part-of").write_text('"another"')
    archive.knows_ranges = knows_ranges
    (path,) = web.fetch((file,), tmp_path, silent)
    assert path.read_bytes() == ubuntu.read_bytes()
    assert sorted(each.name for each in tmp_path.glob("it.deb*")) == ["it.deb"]


def test_a_part_that_was_damaged_here_is_fetched_anew(archive: Archive, ubuntu: Path, tmp_path: Path) -> None:
    sums = web.sums((ubuntu.parent / "CHECKSUMS").read_text())
    uri = f"{archive.address}/mainline/v6.3/{ARCHITECTURE}/{ubuntu.name}"
    (tmp_path / "it.deb.part").write_bytes(bytes(1000))
    (tmp_path / "it.deb.part-of").write_text(f'"{ubuntu.stat().st_mtime_ns}"')
    (path,) = web.fetch((web.WebFile(uri, "it.deb", "sha256", sums[ubuntu.name]),), tmp_path, silent)
    assert path.read_bytes() == ubuntu.read_bytes()
    assert [first for first, _ in archive.sent] == [1000, 0]


def test_a_part_that_is_whole_already_is_taken(archive: Archive, ubuntu: Path, tmp_path: Path) -> None:
    """The process was killed before it gave the file its name: the server answers 416."""
    uri = f"{archive.address}/mainline/v6.3/{ARCHITECTURE}/{ubuntu.name}"
    (tmp_path / "it.deb.part").write_bytes(ubuntu.read_bytes())
    (tmp_path / "it.deb.part-of").write_text(f'"{ubuntu.stat().st_mtime_ns}"')
    (path,) = web.fetch((web.WebFile(uri, "it.deb"),), tmp_path, silent)
    assert path.read_bytes() == ubuntu.read_bytes()


def test_a_file_that_is_not_what_its_checksum_says_is_refused(archive: Archive, ubuntu: Path) -> None:
    ubuntu.write_bytes(bytes(1000))
    with pytest.raises(MachineError, match="is not what its sha256 says"):
        kernel_spec.find("mainline:v6.3", silent)
    assert len(archive.sent) == 1
    assert list((kernel_store.base() / "archives").rglob("*.deb*")) == [], "nothing of it is kept"


def test_redirects_are_followed(archive: Archive, ubuntu: Path) -> None:
    path = f"/mainline/v6.3/{ARCHITECTURE}/{ubuntu.name}"
    elsewhere = archive.folder / "mirror.deb"
    ubuntu.rename(elsewhere)
    archive.moved[path] = "/mirror.deb"
    assert kernel_spec.find("mainline:v6.3", silent).release == MAINLINE


def test_redirects_without_an_end_and_a_server_that_is_not_there_are_errors(archive: Archive) -> None:
    archive.moved["/circle"] = "/circle"
    with pytest.raises(MachineError, match="cannot be fetched: 302"):
        web.text(f"{archive.address}/circle")
    with served(archive.folder) as gone:
        address = gone.address
    with pytest.raises(MachineError, match="cannot be fetched: Connection refused"):
        web.text(f"{address}/")
    with pytest.raises(web.MissingError, match="is not there"):
        web.text(f"{archive.address}/nothing")


def test_an_index_names_only_what_is_in_its_folder(archive: Archive) -> None:
    for name in ("a b", "c+d~1", "é"):
        (archive.folder / "index" / name).mkdir(parents=True)
    assert web.links(f"{archive.address}/index/") == ("a b/", "c+d~1/", "é/")


# ---- Debian's archive of archives ------------------------------------------------------------------------------------


@pytest.fixture
def debian(archive: Archive, tmp_path: Path) -> str:
    """Two versions, one with a package; its name."""
    name = f"linux-image-6.3.0-1-{ARCHITECTURE}-unsigned"
    file = packed(tmp_path, f"6.3.0-1-{ARCHITECTURE}", f"{name}_6.3.7-1_{ARCHITECTURE}.deb")
    digest = hashlib.sha1(file.read_bytes()).hexdigest()
    (archive.folder / "snapshot/file").mkdir(parents=True)
    file.rename(archive.folder / "snapshot/file" / digest)
    results: dict[str, object] = {
        "/package/linux/": [{"version": each} for each in ("6.10.1-1", "6.3.7-1", "6.3.7-1~bpo12+1", "6.2.1-1")],
        "/package/linux/6.3.7-1/binpackages": [
            {"name": each, "version": "6.3.7-1"}
            for each in (name, f"linux-image-6.3.0-1-cloud-{ARCHITECTURE}-unsigned", "linux-doc")
        ],
        f"/binary/{name}/6.3.7-1/binfiles": [
            {"architecture": "other", "hash": "0" * 40},
            {"architecture": ARCHITECTURE, "hash": digest},
        ],
    }
    archive.answers |= {f"/snapshot/mr{path}": {"_comment": "", "result": each} for path, each in results.items()}
    return name


def test_a_version_of_debian_is_found_by_the_index(archive: Archive, debian: str) -> None:
    image = kernel_spec.find("snapshot:6.3.7-1", silent)
    assert (image.release, image.package) == (f"6.3.0-1-{ARCHITECTURE}", f"{debian}_6.3.7-1_{ARCHITECTURE}")
    with pytest.raises(UsageError, match=r"never had linux 6\.9-1"):
        kernel_spec.find("snapshot:6.9-1", silent)
    archive.answers["/snapshot/mr/package/linux/7-1/binpackages"] = {"result": 7}
    with pytest.raises(MachineError, match="is no index"):
        kernel_spec.find("snapshot:7-1", silent)


def test_a_file_of_debian_that_was_changed_on_the_way_is_refused(archive: Archive, debian: str) -> None:
    (file,) = (archive.folder / "snapshot/file").iterdir()
    file.write_bytes(bytes(10))
    with pytest.raises(MachineError, match="is not what its sha1 says"):
        kernel_spec.find("snapshot:6.3.7-1", silent)
    assert debian in "".join(archive.asked)


@pytest.mark.usefixtures("debian")
def test_a_range_of_debian_is_in_its_order() -> None:
    require("dpkg")
    expected = ("6.3.7-1~bpo12+1", "6.3.7-1", "6.10.1-1")
    found = snapshot.line("snapshot:6.3..6.11:cloud-amd64")
    assert found == tuple(f"snapshot:{each}:cloud-amd64" for each in expected)


def test_the_packages_of_a_flavour_are_chosen_by_name() -> None:
    names = (
        *("linux-image-6.1.0-7-amd64-unsigned", "linux-image-6.1.0-7-amd64-dbg", "linux-image-6.1.0-7-cloud-amd64"),
        *("linux-image-6.1.0-7-rt-amd64-unsigned", "linux-modules-6.1.0-7-amd64", "linux-headers-6.1.0-7-amd64"),
    )
    assert snapshot.parts(names, "amd64") == ("linux-image-6.1.0-7-amd64-unsigned", "linux-modules-6.1.0-7-amd64")
    assert snapshot.parts(names, "cloud-amd64") == ("linux-image-6.1.0-7-cloud-amd64",)
    assert snapshot.parts(("linux-image-6.12.38+deb13-amd64",), "amd64") == ("linux-image-6.12.38+deb13-amd64",)
    assert snapshot.parts(("linux-image-6.7-rc3-amd64",), "amd64") == ("linux-image-6.7-rc3-amd64",)
    assert snapshot.parts(names, "riscv64") == ()


# ---- Fedora's builds -------------------------------------------------------------------------------------------------


@pytest.fixture
def fedora(archive: Archive, tmp_path: Path) -> Path:
    """One build, whose modules are in a package of their own; the file of the image."""
    require("rpmbuild", "rpmkeys", "bsdtar")
    folder = archive.folder / "koji/6.1.0/1" / MACHINE
    folder.mkdir(parents=True)
    root = tmp_path / "root"
    modules = root / "lib/modules" / RELEASE
    module(modules / "kernel/fs/fuse/fuse.ko")
    (modules / "vmlinuz").write_bytes(IMAGE)
    (modules / "config").write_text("CONFIG_FUSE_FS=m\n")
    parts = {"kernel-core": ("vmlinuz", "config"), "kernel-modules-core": ("kernel/fs/fuse/fuse.ko",)}
    for name, files in parts.items():
        built = built_rpm(tmp_path, root, name, *(f"/lib/modules/{RELEASE}/{each}" for each in files))
        built.rename(folder / f"{name}-6.1.0-1.{MACHINE}.rpm")
    return folder / f"kernel-core-6.1.0-1.{MACHINE}.rpm"


@pytest.mark.usefixtures("fedora")
def test_a_build_of_fedora_is_fetched_with_its_modules(archive: Archive) -> None:
    image = kernel_spec.find("koji:6.1.0-1", silent)
    assert image.release == RELEASE
    assert image.modules is not None
    assert len(archive.sent) == 2
    with pytest.raises(UsageError, match=r"Fedora has no kernel 6\.1\.0-2"):
        kernel_spec.find("koji:6.1.0-2", silent)


def test_a_package_file_of_fedora_that_is_damaged_is_refused(fedora: Path) -> None:
    data = bytearray(fedora.read_bytes())
    data[-100] ^= 1
    fedora.write_bytes(data)
    with pytest.raises(MachineError, match="is damaged"):
        kernel_spec.find("koji:6.1.0-1", silent)


def test_a_range_of_fedora_has_the_newest_release_of_each_version(archive: Archive) -> None:
    for build in ("6.2.9/300.fc38", "6.2.10/200.fc37", "6.2.10/300.fc38", "6.3.1/9.fc38", "6.3.1/10.fc38", "6.4.0/1"):
        (archive.folder / "koji" / build).mkdir(parents=True)
    expected = ("koji:6.2.9-300.fc38", "koji:6.2.10-300.fc38", "koji:6.3.1-10.fc38")
    assert kernel_spec.line("koji:6.2.9-300.fc38..6.3.1-10.fc38") == expected
    with pytest.raises(UsageError, match="has no kernel from"):
        kernel_spec.line("koji:5.1-1..5.2-1")


# ---- a folder of one's own -------------------------------------------------------------------------------------------


def test_images_and_packages_of_a_folder_of_ones_own(archive: Archive, tmp_path: Path) -> None:
    for number in (9, 10):
        name = f"linux-image-6.{number}.0_1_amd64.deb"
        packed(tmp_path, f"6.{number}.0", name).rename(archive.folder / name)
    (archive.folder / "bzImage").write_bytes(IMAGE)
    line = kernel_spec.line(f"{archive.address}/linux-image-*.deb")
    assert [kernel_spec.find(each, silent).release for each in line] == ["6.9.0", "6.10.0"]
    image = kernel_spec.find(f"{archive.address}/bzImage", silent)
    assert (image.release, image.modules) == (RELEASE, None)
    archive.asked.clear()
    assert kernel_spec.find(image.spec, silent) == image
    assert archive.asked == []
    with pytest.raises(UsageError, match="names no file"):
        kernel_spec.find(f"{archive.address}/", silent)
    (archive.folder / "notes").write_text("text")
    with pytest.raises(UsageError, match="is no kernel image"):
        kernel_spec.find(f"{archive.address}/notes", silent)


def test_the_sums_of_a_folder_of_ones_own_are_compared(archive: Archive) -> None:
    (archive.folder / "bzImage").write_bytes(IMAGE)
    (archive.folder / "SHA256SUMS").write_text(f"{'0' * 64} *bzImage\n")
    with pytest.raises(MachineError, match="is not what its sha256 says"):
        kernel_spec.find(f"{archive.address}/bzImage", silent)
