"""The options that a kernel lacks, by its configuration: reported before a machine is started."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from harness.errors import KernelError
from harness.kernels import options
from harness.kernels.image import Image
from harness.record import replace
from harness.vm import session
from harness.vm.settings import Settings

MINIMAL = Path(__file__).parents[3] / "docs/examples/minimal-kernel.config"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    config = tmp_path / ".config"
    config.write_text(MINIMAL.read_text())
    return Image("./linux", "6.1.0", "", "x86_64", "0", tmp_path / "bzImage", config=config)


def test_the_minimal_configuration_lacks_nothing(image: Image) -> None:
    assert options.lacking(image) == ()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("FUSE_FS", "FUSE (CONFIG_FUSE_FS)"),
        ("PID_NS", "PID namespaces (CONFIG_PID_NS)"),
        ("9P_FS", "CONFIG_9P_FS and CONFIG_NET_9P_VIRTIO or CONFIG_VIRTIO_FS"),
        ("NET_9P_VIRTIO", "CONFIG_9P_FS and CONFIG_NET_9P_VIRTIO or CONFIG_VIRTIO_FS"),
        ("BLK_DEV_INITRD", "an initramfs (CONFIG_BLK_DEV_INITRD)"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_started(option: str, words: str, image: Image) -> None:
    assert image.config is not None
    text = image.config.read_text().replace(f"CONFIG_{option}=y", f"# CONFIG_{option} is not set")
    image.config.write_text(text)
    assert [words in each for each in options.lacking(image)] == [True]
    with pytest.raises(KernelError, match=r"\./linux \(6\.1\.0\) cannot run it: it lacks .*CONFIG_"):
        session.choose(image, Settings())


def test_a_module_counts_where_there_are_modules(image: Image, tmp_path: Path) -> None:
    assert image.config is not None
    image.config.write_text(image.config.read_text().replace("CONFIG_FUSE_FS=y", "CONFIG_FUSE_FS=m"))
    assert options.lacking(image) == ("FUSE (CONFIG_FUSE_FS: built as a module, and no modules are there)",)
    assert options.lacking(replace(image, modules=tmp_path)) == ()


def test_a_kernel_may_carry_its_configuration_itself(image: Image, tmp_path: Path) -> None:
    """CONFIG_IKCONFIG."""
    config = MINIMAL.read_text().replace("CONFIG_PID_NS=y", "")
    vmlinux = tmp_path / "vmlinux"
    vmlinux.write_bytes(b"\x7fELF text IKCFG_ST" + gzip.compress(config.encode()) + b"IKCFG_ED and more")
    assert options.lacking(replace(image, config=None, vmlinux=vmlinux)) == ("PID namespaces (CONFIG_PID_NS)",)


def test_what_tells_nothing_lacks_nothing(image: Image, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for vmlinux in (None, empty, MINIMAL):
        assert options.lacking(replace(image, config=None, vmlinux=vmlinux)) == ()
    assert options.lacking(replace(image, config=empty)) == ()
