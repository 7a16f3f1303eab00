"""Kernels out of packages, images of containers, folders and build trees: made here, by the tools of the real ones."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import FusezapError, KernelError, MachineError, UsageError
from harness.kernels import spec as kernel_spec
from harness.kernels import store as kernel_store
from harness.kernels.architectures import x86_64
from harness.kernels.image import Image
from harness.kernels.sources import _packages, _root, _unpack, rpm, tree
from harness.vm import initramfs
from harness.vm.engines import plain, virtiofs
from tests.conftest import require
from tests.unit.kernels.packed import built_rpm, deb, saved
from tests.unit.kernels.roots import IMAGE, kept, module, root_with_kernel
from tests.unit.kernels.test_architectures import RELEASE, arm64


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    require("gcc", "depmod", "modprobe")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def silent(_: object) -> None:
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


def test_modules_of_ubuntu_are_found_and_unpacked(tmp_path: Path) -> None:
    """In two packages, each module packed."""
    require("zstd")
    name = f"{RELEASE}_6.8.0-31.31_amd64.deb"
    root = root_with_kernel(tmp_path / "modules")
    for part in ("image", "extra"):
        (tmp_path / part / "lib/modules" / RELEASE / "kernel").mkdir(parents=True)
    (root / "boot").rename(tmp_path / "image/boot")
    built = {path.name: path.read_bytes() for path in root.rglob("*.ko")}
    for path in root.rglob("*.ko"):
        subprocess.run(["zstd", "--quiet", "--rm", str(path)], check=True)
    next(root.rglob("virtiofs.ko.zst")).rename(tmp_path / "extra/lib/modules" / RELEASE / "kernel/virtiofs.ko.zst")
    path = deb(tmp_path / "image", f"linux-image-unsigned-{name}")
    deb(root, f"linux-modules-{name}")
    deb(tmp_path / "extra", f"linux-modules-extra-{name}")
    found = initramfs.module_files(kernel_spec.find(str(path), silent), ("virtiofs",))
    assert [each.name for each in found] == ["fuse.ko.zst", "virtiofs.ko.zst"]
    assert {initramfs.plain_name(each): initramfs.plain(each) for each in found}.items() <= built.items()


def test_a_packed_module_that_cannot_be_unpacked_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "fuse.ko.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd and more")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match=r"(?s)fuse\.ko\.zst cannot be unpacked.install zstd"):
        initramfs.plain(path)


def test_what_an_engine_loads_is_kept() -> None:
    for engine in (plain, virtiofs):
        assert set(engine._MODULES) <= set(_root.WANTED)


# ---- RPM -------------------------------------------------------------------------------------------------------------


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
    assert _packages.beside(modules, rpm.split) == (core, modules)
    is_whole(kernel_spec.find(str(core), silent))


def test_an_rpm_of_suse_without_bsdtar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is in one package, below /usr/lib; in /boot is a link."""
    require("rpm2cpio")
    root = root_with_kernel(tmp_path / "root")
    (root / "usr/lib").mkdir()
    (root / "lib/modules").rename(root / "usr/lib/modules")
    folder = f"/usr/lib/modules/{RELEASE}"
    (root / f"boot/config-{RELEASE}").rename(root / folder[1:] / "config")
    image = root / f"boot/vmlinuz-{RELEASE}"
    image.rename(root / folder[1:] / "vmlinuz")
    image.symlink_to(f"../usr/lib/modules/{RELEASE}/vmlinuz")
    path = built_rpm(tmp_path, root, "kernel-default", folder, f"/boot/vmlinuz-{RELEASE}")
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "bsdtar" else found(name))
    is_whole(kernel_spec.find(str(path), silent))


def test_a_broken_rpm_leaves_nothing(tmp_path: Path) -> None:
    require("bsdtar")
    path = tmp_path / "kernel-core-6.1.0-1.x86_64.rpm"
    path.write_bytes(b"\xed\xab\xee\xdb and no more")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        kernel_spec.find(str(path), silent)
    nothing_kept()


# ---- images of containers --------------------------------------------------------------------------------------------


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
    messages: list[object] = []
    is_whole(kernel_spec.find(layout, messages.append))
    assert messages[0] == f"reading {layout}"
    for entry in kernel_store.base().glob("oci-*"):
        assert [path.name for path in entry.iterdir()] == ["root"], "the layers are not kept"
    for named, same in ((tmp_path / "saved.tar", spec), (tmp_path / "layout", layout)):
        assert kernel_spec.find(str(named), silent).digest == kernel_spec.find(same, silent).digest


def test_a_kernel_of_cilium_lies_deeper_in_its_image(tmp_path: Path) -> None:
    root_with_kernel(tmp_path / "image/data/kernels/6.1-main")
    is_whole(kernel_spec.find(saved(tmp_path / "saved.tar", tmp_path / "image"), silent))


def test_an_image_with_several_kernels_is_refused(tmp_path: Path) -> None:
    root = root_with_kernel(tmp_path / "image")
    root_with_kernel(root, "6.1.0-49-amd64")
    with pytest.raises(UsageError, match=r"has several kernels: 6\.1\.0-49-amd64, 6\.1\.0-56-amd64"):
        kernel_spec.find(saved(tmp_path / "saved.tar", root), silent)
    nothing_kept()


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_bytes(b"no tar")
    with pytest.raises(UsageError, match="cannot read that image"):
        kernel_spec.find(str(tmp_path / "no.tar"), silent)


def test_an_image_without_a_kernel_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty/etc").mkdir(parents=True)
    with pytest.raises(UsageError, match="has no image of a kernel"):
        kernel_spec.find(saved(tmp_path / "saved.tar", tmp_path / "empty"), silent)
    nothing_kept()
    with pytest.raises(UsageError, match="cannot read that image"):
        kernel_spec.find(f"oci:{tmp_path}/nowhere:tag", silent)


# ---- any root --------------------------------------------------------------------------------------------------------


def merged(root: Path) -> Path:
    """As installed systems have it today: /lib is a link."""
    (root / "lib/modules").rename(root / "usr/modules")
    (root / "lib").rmdir()
    (root / "usr/lib").mkdir()
    (root / "usr/modules").rename(root / "usr/lib/modules")
    (root / "lib").symlink_to("usr/lib")
    return root


def test_what_is_built_in_is_known_after_the_cut(tmp_path: Path) -> None:
    root = merged(root_with_kernel(tmp_path / "root"))
    (root / f"lib/modules/{RELEASE}/modules.builtin").write_text("kernel/fs/9p/9p.ko\n")
    image = kernel_spec.find(str(deb(root, f"linux-image-{RELEASE}_1_amd64.deb")), silent)
    is_whole(image)
    assert initramfs.has(image, "9p")
    assert not initramfs.has(image, "overlay")


def test_a_link_out_of_a_root_is_not_followed(tmp_path: Path) -> None:
    """The code that unpacks images must not write into this machine's own modules."""
    outside = root_with_kernel(tmp_path / "outside")
    root = root_with_kernel(tmp_path / "root")
    shutil.rmtree(root / "lib")
    (root / "lib").symlink_to(outside / "lib")
    with pytest.raises(UsageError, match="has no modules"):
        kernel_spec.find(str(deb(root, f"linux-image-{RELEASE}_1_amd64.deb")), silent)
    assert not (outside / f"lib/modules/{RELEASE}/modules.dep").exists()


def test_a_kernel_with_all_built_in_needs_no_modules(tmp_path: Path) -> None:
    root = root_with_kernel(tmp_path / "root")
    shutil.rmtree(root / "lib")
    (root / f"boot/config-{RELEASE}").write_text("CONFIG_FUSE_FS=y\n")
    image = kernel_spec.find(str(deb(root, f"linux-image-{RELEASE}_1_amd64.deb")), silent)
    assert image.modules is None
    assert image.config is not None
    assert {path.name for path in image.config.parents[1].iterdir()} == {"boot"}, "nothing else is kept"


# ---- folders ---------------------------------------------------------------------------------------------------------


def test_a_root_folder_is_used_as_it_is(tmp_path: Path) -> None:
    root = root_with_kernel(tmp_path / "root")
    subprocess.run(["depmod", "--basedir", str(root), RELEASE], check=True)
    image = kernel_spec.find(str(root), silent)
    assert image.modules == root / "lib/modules" / RELEASE
    assert kept(image.modules) == {"fuse.ko", "virtiofs.ko", "e1000.ko"}
    assert image.config == root / f"boot/config-{RELEASE}"


def test_a_folder_without_an_index_of_its_modules_is_not_written_to(tmp_path: Path) -> None:
    root = root_with_kernel(tmp_path / "root")
    image = kernel_spec.find(str(root), silent)
    assert kept(image.modules) == {"fuse.ko", "virtiofs.ko", "e1000.ko"}
    assert [path.name for path in initramfs.module_files(image, ("virtiofs",))] == ["fuse.ko", "virtiofs.ko"]
    assert not (root / f"lib/modules/{RELEASE}/modules.dep").exists()


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
    (folder / ".config").write_text("CONFIG_FUSE_FS=y\n")
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


def test_the_vmlinux_of_a_tree_is_taken_where_it_can_be_started(built: Path) -> None:
    """So that a search through hundreds of builds keeps nothing."""
    image = kernel_spec.find(str(built), silent)
    assert image.vmlinux is not None
    assert image.vmlinux.is_relative_to(kernel_store.base())
    kernel_store.prune()
    linked = built / "vmlinux"
    linked.write_bytes(elf_with_note(x86_64._NOTE))
    os.utime(linked, ns=(1, 1))
    image = kernel_spec.find(str(built), silent)
    assert image.vmlinux == linked
    assert image.digest == kernel_spec.find(str(built / "arch/x86/boot/bzImage"), silent).digest
    linked.write_bytes(elf_with_note(b"GNU\0"))
    os.utime(linked, ns=(1, 1))
    image = kernel_spec.find(str(built), silent)
    assert image.vmlinux != linked


def test_of_the_images_of_a_tree_the_last_is_taken_of_whichever_architecture(built: Path) -> None:
    other = built / "arch/arm64/boot/Image"
    other.parent.mkdir(parents=True)
    other.write_bytes(arm64(f"\0Linux version {RELEASE} (who@where) #1 SMP\n".encode()))
    os.utime(built / "vmlinux", ns=(1, 1))
    newer = (built / "arch/x86/boot/bzImage").stat().st_mtime_ns + 1_000_000_000
    os.utime(other, ns=(newer, newer))
    image = kernel_spec.find(str(built), silent)
    assert (image.machine, image.kernel, image.vmlinux) == ("aarch64", other, other), "nothing is copied"


def test_a_tree_without_an_image_says_how_to_make_one(built: Path) -> None:
    (built / "arch/x86/boot/bzImage").unlink()
    with pytest.raises(UsageError, match=r"has not been built\nmake \w*Image"):
        kernel_spec.find(str(built), silent)


def elf_with_note(note: bytes) -> bytes:
    """An ELF file of 64 bits with one program header."""
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 4, 4, 120, 0, 0, len(note), len(note), 4) + note


def test_a_folder_that_make_filled_elsewhere_is_a_tree(built: Path) -> None:
    """`make O=FOLDER` leaves no Kbuild there."""
    (built / "Kbuild").unlink()
    assert kernel_spec.find(str(built), silent).release == RELEASE


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
    with pytest.raises(KernelError, match="older than the vmlinux"):
        kernel_spec.find(str(built), silent)
    os.utime(built / "vmlinux", ns=(1, 1))
    (built / "include/config/kernel.release").write_text("6.2.0\n")
    with pytest.raises(KernelError, match=r"configured as 6\.2\.0"):
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


_UNPACKS_WITHOUT_END = """#!/bin/sh
mkdir -p "$(expr "$*" : '.* \\(.*\\)')"
cd "$(expr "$*" : '.* \\(.*\\)')"
n=0
while :; do head -c 100000 /dev/zero >"$n"; n=$((n + 1)); done
"""


@pytest.mark.parametrize(
    ("limit", "value", "why"), [("BYTES", 3_000_000, "unpacks to more"), ("MEMBERS", 50, "has more than 50")]
)
def test_an_image_that_unpacks_without_end_is_stopped(
    limit: str, value: int, why: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its files is small: it is their sum that fills the disk."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in {
        "skopeo": '#!/bin/sh\n[ "$1" = copy ] || echo \'{"Digest": "sha256:00"}\'\n',
        "umoci": _UNPACKS_WITHOUT_END,
    }.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.setattr(_unpack, limit, value)
    with pytest.raises(UsageError, match=why):
        kernel_spec.find("oci:./layout:tag", silent)
    assert list(cache.rglob("root")) == [], "nothing half-written stays"


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
