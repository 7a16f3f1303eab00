"""Kernels out of packages, images of containers, folders and build trees: made here, by the tools of the real ones."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import kernel_spec, kernel_store
from harness.errors import FusezapError, MachineError, UsageError
from harness.image import Image
from harness.kernels import rpm, tree
from tests.conftest import require
from tests.unit.harness.kernel_roots import IMAGE, deb, kept, module, root_with_kernel
from tests.unit.harness.test_vmlinux import RELEASE


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    require("gcc", "depmod", "modprobe")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def silent(_: str) -> None:
    """For what takes no time."""


def is_whole(image: Image) -> None:
    assert image.release == RELEASE
    assert image.kernel is not None
    assert image.kernel.read_bytes()[0x202:0x206] == b"HdrS"
    assert image.config is not None
    assert kept(image.modules) == {"fuse.ko", "virtiofs.ko"}
    assert image.modules is not None
    depends = (image.modules / "modules.dep").read_text()
    assert "kernel/fs/fuse/virtiofs.ko: kernel/fs/fuse/fuse.ko" in depends
    assert "e1000" not in depends


def nothing_kept() -> None:
    assert [path.name for path in kernel_store.base().iterdir() if path.name != "lock"] == []


# ---- Debian's packages -----------------------------------------------------------------------------------------------


def test_a_package_gives_what_a_run_can_need_and_no_more(tmp_path: Path) -> None:
    path = deb(root_with_kernel(tmp_path / "root"), f"linux-image-{RELEASE}_1_amd64.deb")
    image = kernel_spec.find(str(path), silent)
    is_whole(image)
    assert image.package == f"linux-image-{RELEASE}_1_amd64"
    path.unlink()
    assert image.modules is not None
    assert image.modules.exists(), "nothing of it is needed any more"


def test_a_split_package_is_put_together_from_what_lies_beside_it(tmp_path: Path) -> None:
    """As Ubuntu has it."""
    root = root_with_kernel(tmp_path / "modules")
    (tmp_path / "image/boot").mkdir(parents=True)
    for each in (root / "boot").iterdir():
        each.rename(tmp_path / "image/boot" / each.name)
    path = deb(tmp_path / "image", f"linux-image-unsigned-{RELEASE}_1_amd64.deb")
    with pytest.raises(UsageError, match=r"(?s)has no modules.*put the other packages"):
        kernel_spec.find(str(path), silent)
    nothing_kept()
    deb(root, f"linux-modules-{RELEASE}_1_amd64.deb")
    is_whole(kernel_spec.find(str(path), silent))


# ---- RPM -------------------------------------------------------------------------------------------------------------

SPEC = """\
Name: {name}
Version: 6.1.0
Release: 1
Summary: kernel
License: GPL
BuildArch: x86_64
AutoReqProv: no
%description
kernel
%install
cp -a {root}/. %{{buildroot}}
%files
{files}
"""


def built_rpm(tmp_path: Path, root: Path, name: str, *files: str) -> Path:
    """Of those files below `root`."""
    require("rpmbuild")
    settings = {
        "_topdir": f"{tmp_path}/rpm",
        "_rpmdir": str(tmp_path),
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
        "_build_id_links": "none",
        "_unpackaged_files_terminate_build": "0",
    }
    spec = tmp_path / f"{name}.spec"
    spec.write_text(SPEC.format(name=name, root=root, files="\n".join(files)))
    defined = [word for setting in settings.items() for word in ("--define", " ".join(setting))]
    subprocess.run(["rpmbuild", "-bb", "--quiet", *defined, str(spec)], check=True, capture_output=True)
    return tmp_path / f"{name}-6.1.0-1.x86_64.rpm"


def test_an_rpm_and_the_one_beside_it(tmp_path: Path) -> None:
    """As Fedora has it: the image lies among the modules, and the modules are a package of their own."""
    require("bsdtar")
    root = root_with_kernel(tmp_path / "root")
    folder = f"/lib/modules/{RELEASE}"
    (root / f"boot/vmlinuz-{RELEASE}").rename(root / f"lib/modules/{RELEASE}/vmlinuz")
    (root / f"boot/config-{RELEASE}").rename(root / f"lib/modules/{RELEASE}/config")
    core = built_rpm(tmp_path, root, "kernel-core", f"{folder}/vmlinuz", f"{folder}/config")
    with pytest.raises(UsageError, match="has no modules"):
        kernel_spec.find(str(core), silent)
    modules = built_rpm(tmp_path, root, "kernel-modules-core", f"{folder}/kernel")
    assert rpm.parts(modules) == (core, modules)
    is_whole(kernel_spec.find(str(core), silent))


def test_a_broken_rpm_leaves_nothing(tmp_path: Path) -> None:
    require("bsdtar")
    path = tmp_path / "kernel-core-6.1.0-1.x86_64.rpm"
    path.write_bytes(b"\xed\xab\xee\xdb and no more")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        kernel_spec.find(str(path), silent)
    nothing_kept()


# ---- images of containers --------------------------------------------------------------------------------------------


def saved(path: Path, *layers: Path) -> str:
    """As `docker save` writes it; its spec."""
    require("skopeo", "umoci")
    with tarfile.open(path, "w") as archive:
        names, digests = [], []
        for number, layer in enumerate(layers):
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as inner:
                inner.add(layer, arcname=".")
            names.append(f"{number}/layer.tar")
            digests.append(f"sha256:{hashlib.sha256(packed.getvalue()).hexdigest()}")
            _add(archive, names[-1], packed.getvalue())
        rootfs = {"type": "layers", "diff_ids": digests}
        _add(archive, "config.json", json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode())
        manifest = [{"Config": "config.json", "RepoTags": ["kernel:latest"], "Layers": names}]
        _add(archive, "manifest.json", json.dumps(manifest).encode())
    return f"docker-archive:{path}"


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def test_the_layers_of_an_image_are_applied_in_order(tmp_path: Path) -> None:
    """The upper one takes an old kernel away."""
    root = root_with_kernel(tmp_path / "lower")
    (root / "boot/vmlinuz-5.0-old").write_bytes(IMAGE)
    upper = tmp_path / "upper"
    (upper / "boot").mkdir(parents=True)
    (upper / "boot/.wh.vmlinuz-5.0-old").touch()
    spec = saved(tmp_path / "saved.tar", root, upper)
    is_whole(kernel_spec.find(spec, silent))
    layout = f"oci:{tmp_path}/layout:tag"
    subprocess.run(["skopeo", "copy", "--quiet", spec, layout], check=True)
    told: list[str] = []
    is_whole(kernel_spec.find(layout, told.append))
    assert told[0] == f"reading {layout}"


def test_an_image_without_a_kernel_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty/etc").mkdir(parents=True)
    with pytest.raises(UsageError, match="has no image of a kernel"):
        kernel_spec.find(saved(tmp_path / "saved.tar", tmp_path / "empty"), silent)
    nothing_kept()
    with pytest.raises(UsageError, match="cannot read that image"):
        kernel_spec.find(f"oci:{tmp_path}/nowhere:tag", silent)


# ---- folders ---------------------------------------------------------------------------------------------------------


def test_a_root_folder_is_used_as_it_is(tmp_path: Path) -> None:
    root = root_with_kernel(tmp_path / "root")
    subprocess.run(["depmod", "--basedir", str(root), RELEASE], check=True)
    image = kernel_spec.find(str(root), silent)
    assert image.modules == root / "lib/modules" / RELEASE
    assert kept(image.modules) == {"fuse.ko", "virtiofs.ko", "e1000.ko"}
    assert image.config == root / f"boot/config-{RELEASE}"


def test_of_several_kernels_in_a_folder_one_is_named(tmp_path: Path) -> None:
    root = root_with_kernel(tmp_path / "root")
    root_with_kernel(root, "6.1.0-49-amd64")
    for release in (RELEASE, "6.1.0-49-amd64"):
        subprocess.run(["depmod", "--basedir", str(root), release], check=True)
    with pytest.raises(UsageError, match=r"(?s)several kernels.*6\.1\.0-49-amd64"):
        kernel_spec.find(str(root), silent)
    assert kernel_spec.find(f"{root}:6.1.0-49-amd64", silent).release == "6.1.0-49-amd64"
    with pytest.raises(UsageError, match=r"has no kernel 6\.2"):
        kernel_spec.find(f"{root}:6.2", silent)


# ---- build trees -----------------------------------------------------------------------------------------------------


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """As `make` leaves it."""
    folder = tmp_path / "linux"
    (folder / "include/config").mkdir(parents=True)
    (folder / "include/config/kernel.release").write_text(f"{RELEASE}\n")
    (folder / "Kbuild").touch()
    (folder / ".config").write_text("CONFIG_FUSE_FS=m\n")
    (folder / "vmlinux").touch()
    (folder / "arch/x86/boot").mkdir(parents=True)
    (folder / "arch/x86/boot/bzImage").write_bytes(IMAGE)
    return folder


def with_modules(folder: Path, *order: str) -> None:
    module(folder / "fs/fuse/fuse.ko", exports="fuse_request")
    module(folder / "fs/fuse/virtiofs.ko", needs="fuse_request")
    (folder / "modules.order").write_text("".join(f"{line}\n" for line in order))


def test_a_tree_with_all_built_in_needs_no_modules(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built)
    image = kernel_spec.find(".", silent)
    assert (image.release, image.modules, image.config) == (RELEASE, None, built / ".config")


@pytest.mark.parametrize("form", ["kernel/fs/fuse/{}.ko", "fs/fuse/{}.ko", "fs/fuse/{}.o"])
def test_modules_of_a_tree_are_found_in_every_form_of_their_list(built: Path, form: str) -> None:
    with_modules(built, *(form.format(name) for name in ("fuse", "virtiofs", "not-built")))
    image = kernel_spec.find(str(built), silent)
    assert kept(image.modules) == {"fuse.ko", "virtiofs.ko"}
    assert image.modules is not None
    assert "virtiofs.ko: kernel/fs/fuse/fuse.ko" in (image.modules / "modules.dep").read_text()


def test_a_module_that_was_built_anew_is_another_kernel(built: Path) -> None:
    with_modules(built, "fs/fuse/fuse.o", "fs/fuse/virtiofs.o")
    first = kernel_spec.find(str(built), silent)
    os.utime(built / "fs/fuse/fuse.ko", ns=(1, 1))
    second = kernel_spec.find(str(built), silent)
    assert first.digest != second.digest
    assert first.modules == second.modules


def test_a_tree_that_is_not_of_its_last_build_is_refused(built: Path) -> None:
    image = built / "arch/x86/boot/bzImage"
    newer = image.stat().st_mtime_ns + 1
    os.utime(built / "vmlinux", ns=(newer, newer))
    with pytest.raises(UsageError, match="older than the vmlinux"):
        kernel_spec.find(str(built), silent)
    os.utime(built / "vmlinux", ns=(1, 1))
    (built / "include/config/kernel.release").write_text("6.2.0\n")
    with pytest.raises(UsageError, match=r"configured as 6\.2\.0"):
        kernel_spec.find(str(built), silent)
    image.unlink()
    with pytest.raises(UsageError, match="has not been built"):
        kernel_spec.find(str(built), silent)


# ---- what can go wrong anywhere --------------------------------------------------------------------------------------


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for next to nothing."""
    require("mount", "umount", root=True)
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = deb(root_with_kernel(tmp_path / "root"), f"linux-image-{RELEASE}_1_amd64.deb")
    monkeypatch.setenv("XDG_CACHE_HOME", str(full))
    with pytest.raises((FusezapError, OSError), match="No space left"):
        kernel_spec.find(str(path), silent)
    nothing_kept()


def test_a_program_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kernel-core-6.1.0-1.x86_64.rpm"
    path.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="install libarchive-tools"):
        kernel_spec.find(str(path), silent)
    with pytest.raises(MachineError, match="install skopeo and umoci"):
        kernel_spec.find("oci:./layout:tag", silent)
    with pytest.raises(MachineError, match="apt-get is not there"):
        kernel_spec.find("debian:bookworm", silent)
    assert tree.modules(tmp_path) == ()
