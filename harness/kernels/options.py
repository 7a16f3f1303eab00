"""The options that a kernel needs to run a scenario in a virtual machine, looked up before it is started.

A kernel that lacks one of these comes to no end, or to one that does not say why.
"""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from harness.kernels.image import Image
from harness.record import record


@record(frozen=True, slots=True)
class Need:
    what: str
    any_of: tuple[tuple[str, ...], ...]
    """Groups of options without CONFIG_: one group, whole, is enough."""


NEEDS = (
    Need("FUSE", (("FUSE_FS",),)),
    Need("PID namespaces", (("PID_NS",),)),
    Need("the root of this machine", (("9P_FS", "NET_9P_VIRTIO"), ("VIRTIO_FS",))),
    Need("virtio devices", (("VIRTIO_PCI",), ("VIRTIO_MMIO",))),
    Need("an initramfs", (("BLK_DEV_INITRD",),)),
    Need("programs", (("BINFMT_ELF", "BINFMT_SCRIPT"),)),
    Need("/proc", (("PROC_FS",),)),
    Need("/sys", (("SYSFS",),)),
    Need("/dev", (("DEVTMPFS",),)),
    Need("sockets between processes", (("UNIX",),)),
    Need("futexes", (("FUTEX",),)),
)
_STORED = b"IKCFG_ST\x1f\x8b"
"""Before the configuration that a kernel carries in itself, packed (CONFIG_IKCONFIG, kernel/configs.c)."""


def lacking(image: Image) -> tuple[str, ...]:
    """Find what a kernel lacks, by its configuration.

    Args:
        image: The kernel.

    Returns:
        Each need in words, with the options that would meet it; empty if none is missing, or without a configuration.
    """
    config = _config(image)
    if config is None or "CONFIG_" not in config:
        return ()
    found = dict(re.findall("^CONFIG_(\\w+)=([ym])$", config, re.M))
    usable = {name for name, value in found.items() if value == "y" or image.modules is not None}
    lacking = [need for need in NEEDS if not any(usable.issuperset(group) for group in need.any_of)]
    return tuple(f"{need.what} ({_words(need, found)})" for need in lacking)


def _words(need: Need, found: dict[str, str]) -> str:
    groups = [" and ".join(f"CONFIG_{name}" for name in group) for group in need.any_of]
    modular = any(found.get(name) == "m" for group in need.any_of for name in group)
    return " or ".join(groups) + (": built as a module, and no modules are there" if modular else "")


def _config(image: Image) -> str | None:
    if image.config is not None:
        try:
            return image.config.read_text("utf-8", "replace")
        except OSError:
            return None
    return _stored(image.vmlinux) if image.vmlinux is not None else None


def _stored(vmlinux: Path) -> str | None:
    """The configuration in the kernel itself, of CONFIG_IKCONFIG=y."""
    import mmap

    with vmlinux.open("rb") as stream:
        if not stream.seek(0, 2):
            return None
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            start = data.find(_STORED)
            if start < 0:
                return None
            try:
                text = zlib.decompressobj(31).decompress(data[start + 8 : start + (1 << 20)], 1 << 22)
            except zlib.error:
                return None
    return text.decode("utf-8", "replace")
