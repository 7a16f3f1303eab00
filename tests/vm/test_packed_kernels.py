"""One kernel out of packages of every kind: each boots, and is the kernel that it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.kernels.archive import ARCHITECTURE, checksums, served
from tests.unit.kernels.packed import built_rpm, deb, saved
from tests.vm.conftest import KERNEL, fusezap

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of that kernel as Debian has it.  What is unpacked from here on is not kept."""
    (shown,) = json.loads(fusezap("kernels", "show", KERNEL, "--json").stdout)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shown["kernel"]).parents[1]


def rpm(root: Path, folder: Path) -> str:
    built_rpm(folder, root, "kernel-modules-core", "/lib/modules")
    return str(built_rpm(folder, root, "kernel-core", "/boot"))


def container(root: Path, folder: Path) -> str:
    return saved(folder / "saved.tar", root)


def tree(root: Path, folder: Path) -> str:
    """As `make` leaves it, with modules: newer kernels list them as objects."""
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    release = kernel.name.removeprefix("vmlinuz-")
    modules = root / "lib/modules" / release
    built = folder / "linux"
    shutil.copytree(modules / "kernel", built)
    shutil.copyfile(modules / "modules.builtin", built / "modules.builtin")
    names = sorted(path.relative_to(built).with_suffix(".o") for path in built.rglob("*.ko"))
    (built / "modules.order").write_text("".join(f"{name}\n" for name in names))
    for path, data in {
        "vmlinux": b"linked before the image is made of it",
        "arch/x86/boot/bzImage": kernel.read_bytes(),
        "include/config/kernel.release": f"{release}\n".encode(),
    }.items():
        (built / path).parent.mkdir(parents=True, exist_ok=True)
        (built / path).write_bytes(data)
    return str(built)


@pytest.mark.parametrize("pack", [rpm, container, tree])
def test_it_has_the_defect_as_ever(pack: Callable[[Path, Path], str], root: Path, tmp_path: Path) -> None:
    ended = fusezap("check", "--kernel", pack(root, tmp_path), "exit-flush-self", "healthy")
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("6.1.")
    assert "exit-flush-self deadlock, healthy released" in ended.stdout


def test_an_archive_on_the_web_has_it_as_ever(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's kernel, in a package file, where Ubuntu's builds of mainline have one."""
    folder = tmp_path / "archive/v6.1" / ARCHITECTURE
    folder.mkdir(parents=True)
    name = f"linux-image-unsigned-6.1.0-060100-generic_6.1.0_{ARCHITECTURE}.deb"
    deb(shutil.copytree(root, folder / "root"), name)
    checksums(folder)
    with served(tmp_path / "archive") as archive:
        monkeypatch.setenv("FUSEZAP_MAINLINE", archive.address)
        ended = fusezap("check", "--kernel", "mainline:v6.1", "exit-flush-self", "healthy")
    assert ended.returncode == 1, ended.stderr
    assert "exit-flush-self deadlock, healthy released" in ended.stdout
    assert [path for path in archive.asked if path.endswith(".deb")] == [f"/v6.1/{ARCHITECTURE}/{name}"]
