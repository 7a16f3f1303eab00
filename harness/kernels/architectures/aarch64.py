"""arm64: the image is what is started (Documentation/arch/arm64/booting.rst), as it is, packed by gzip, or in an EFI
program that unpacks it (CONFIG_EFI_ZBOOT)."""

from __future__ import annotations

import struct
from pathlib import Path

from harness.kernels import compression

DEBIAN = "arm64"
IMAGES = ("arch/arm64/boot/Image", "arch/arm64/boot/Image.gz", "arch/arm64/boot/vmlinuz.efi")
"""The image that `make` leaves in a build tree."""
EMULATOR = "qemu-system-aarch64"
PACKAGE = "qemu-system-arm"
BOARD = "virt,gic-version=max"
CPU = "max"
EMULATED_CPU = "cortex-a72"
"""Without pointer authentication, which `max` has and which is slow to emulate."""
CONSOLE = "ttyAMA0"
OPTIONS = ""
EMULATED_OPTIONS = "kpti=0"
"""A kernel whose address is random gives this processor page tables of the kernel's own (unmap_kernel_at_el0()),
and an emulator forgets its translations at each system call: two fifths of a `check`.
"""

_MAGIC = b"ARM\x64"
_ZBOOT = struct.Struct("<2s2x4sII")
"""`MZ`, `zimg`, where the payload is and how long (drivers/firmware/efi/libstub/zboot-header.S)."""
_SIZE = 4
"""Bytes in which a payload's own size follows it, where its packer does not say it."""

FIRMWARE = bytes.fromhex("00018052 0080b072 020000d4 00000014")
"""mov w0, #8; movk w0, #0x8400, lsl #16; hvc #0; b . — SYSTEM_OFF, as PSCI has it."""
PROBE_OPTIONS = ("-m", "64M")
PROBE_STATUS = 0


def names(data: bytes) -> tuple[str, str] | None:
    """`uname -r` and `uname -v`; None for what is no kernel of this machine."""
    kernel = unpack(data)
    return None if kernel is None else compression.banner(kernel)


def unpack(data: bytes) -> bytes | None:
    """The image itself; None for what is none, or is packed in a way that is not known here."""
    kernel: bytes | None = data
    if len(data) >= _ZBOOT.size:
        mark, kind, offset, length = _ZBOOT.unpack_from(data)
        if (mark, kind) == (b"MZ", b"zimg"):
            kernel = compression.decompressed(data[offset : offset + length], _SIZE)
        elif data.startswith(b"\x1f\x8b"):
            kernel = compression.decompressed(data)
    return kernel if kernel is not None and kernel[0x38:0x3C] == _MAGIC else None


def fault(data: bytes) -> str | None:
    """The reason why no machine can start that image; None if there is no sign of one."""
    if len(data) >= _ZBOOT.size:
        mark, kind, offset, length = _ZBOOT.unpack_from(data)
        if (mark, kind) == (b"MZ", b"zimg") and offset + length > len(data):
            return f"it is not whole: {offset + length - len(data)} bytes of the packed kernel are missing"
    return None


def starts_alone(file: Path) -> bool:
    """True if QEMU can start that file directly: an unpacked image, and not the ELF file of a build tree."""
    with file.open("rb") as stream:
        return stream.read(64)[0x38:0x3C] == _MAGIC
