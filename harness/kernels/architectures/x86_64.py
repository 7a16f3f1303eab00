"""x86-64: a bzImage (Documentation/arch/x86/boot.rst) holds the kernel as an ELF file, packed.

An emulated processor unpacks its own kernel slowly: unpacked here, a stock kernel boots in half the time.
"""

from __future__ import annotations

import struct
from pathlib import Path

from harness.kernels import compression

DEBIAN = "amd64"
IMAGES = ("arch/x86/boot/bzImage",)
"""The image that `make` leaves in a build tree."""
EMULATOR = "qemu-system-x86_64"
PACKAGE = "qemu-system-x86"
BOARD = "q35"
CPU = "max"
EMULATED_CPU = "max,model=4,stepping=0,-erms,-fsrm,-smap,-smep,-la57,-pku"
"""Without what makes an emulator slow: a kernel copies and clears pages with `rep movsq` on every processor that is
said to be good at it (X86_FEATURE_REP_GOOD, ERMS), as the first K8s are not (init_amd_k8()), and TCG does that word by
word; SMAP opens and closes a guard at each access to user memory; LA57 is a fifth level of page tables to walk.
"""
CONSOLE = "ttyS0"
OPTIONS = "reboot=t"
EMULATED_OPTIONS = "nolapic_timer noreplace-smp"
"""The local APIC's timer is measured for 0.1 s, and where there is no ACPI that measurement checked for as long
(calibrate_APIC_clock()); for one processor some 9,000 lock prefixes are patched away, each through a mapping of its own
(alternatives_smp_unlock()).
"""

_MAGIC = b"HdrS"
_WITH_FLAGS = 0x20C
"""The version of the boot protocol that has xloadflags."""
_KERNEL_64 = 1
"""XLF_KERNEL_64 of xloadflags."""
_ELF = b"\x7fELF"
_EM_X86_64 = 62
_NOTE = struct.pack("<III", 4, 8, 18) + b"Xen\0"
"""XEN_ELFNOTE_PHYS32_ENTRY with an address of eight bytes: QEMU starts an ELF kernel by it alone."""
_NOTE_4 = struct.pack("<III", 4, 4, 18) + b"Xen\0"
_PT_NOTE = 4
_SIZE = 4
"""Bytes in which a payload's own size follows it."""

_CODE = bytes.fromhex("b02a e6f4 f4")
"""mov $0x2a, %al; out %al, $0xf4; hlt: leaves by isa-debug-exit."""
_RESET = 0xFFF0
"""The processor's reset address, in the last 64 KiB of its firmware."""
FIRMWARE = (
    _CODE.ljust(_RESET, b"\xf4") + b"\xe9" + ((-_RESET - 3) & 0xFFFF).to_bytes(2, "little")  # jmp rel16
).ljust(65536, b"\xf4")
PROBE_OPTIONS = ("-m", "8M", "-device", "isa-debug-exit,iobase=0xf4,iosize=4")
PROBE_STATUS = (0x2A << 1) | 1


def names(data: bytes) -> tuple[str, str] | None:
    """`uname -r` and, if the image has it, `uname -v`; None for a file that is no kernel of this machine."""
    if data[0x202:0x206] == _MAGIC:
        (offset,) = struct.unpack_from("<H", data, 0x20E)
        text = data[0x200 + offset : 0x200 + offset + 256].split(b"\0")[0].decode(errors="replace")
        release, _, rest = text.partition(" ")
        return release, rest[rest.find("#") :] if "#" in rest else ""
    elf = data[:4] == _ELF and data[18:20] == _EM_X86_64.to_bytes(2, "little")
    return compression.banner(data) if elf else None


def unpack(data: bytes) -> bytes | None:
    """The ELF file inside; None where it is packed in a way that is not known here, or QEMU could not start it."""
    kernel: bytes | None = data
    if data[:4] != _ELF:
        sectors = data[0x1F1] or 4
        offset, length = struct.unpack_from("<II", data, 0x248)
        start = (sectors + 1) * 512 + offset
        kernel = compression.decompressed(data[start : start + length], _SIZE)
    if kernel is None or kernel[:4] != _ELF:
        return None
    return kernel if _NOTE in kernel or _NOTE_4 in kernel else None


def fault(data: bytes) -> str | None:
    """The reason why no machine can start that image; None if there is no sign of one."""
    if data[:4] == _ELF:
        return "it is not whole: the file breaks off" if _breaks_off(data) else None
    if len(data) < 0x250:
        return "it is not whole: the file breaks off in the header"
    protocol, flags = struct.unpack_from("<H", data, 0x206)[0], struct.unpack_from("<H", data, 0x236)[0]
    if protocol >= _WITH_FLAGS and not flags & _KERNEL_64:
        return "it is a kernel of 32 bits (CONFIG_64BIT is not set)"
    offset, length = struct.unpack_from("<II", data, 0x248)
    missing = (data[0x1F1] or 4) * 512 + 512 + offset + length - len(data)
    return f"it is not whole: {missing} bytes of the packed kernel are missing" if missing > 0 else None


def _breaks_off(elf: bytes) -> bool:
    """True if a part that would be loaded lies beyond the end of the file."""
    if len(elf) < 64:
        return True
    (headers,) = struct.unpack_from("<Q", elf, 32)
    size, number = struct.unpack_from("<HH", elf, 54)
    if headers + size * number > len(elf):
        return True
    parts = (struct.unpack_from("<8xQ16xQ", elf, headers + each * size) for each in range(number) if size >= 40)
    return any(start + length > len(elf) for start, length in parts)


def starts_alone(file: Path) -> bool:
    """True if QEMU can start that file directly: a 64-bit ELF file; debug information may make it large."""
    with file.open("rb") as stream:
        head = stream.read(64)
        if head[:5] != b"\x7fELF\2":
            return False
        (headers,) = struct.unpack_from("<Q", head, 32)
        size, number = struct.unpack_from("<HH", head, 54)
        stream.seek(headers)
        table = stream.read(size * number)
        for start in range(0, len(table), size):
            (kind,) = struct.unpack_from("<I", table, start)
            if kind == _PT_NOTE:
                (offset,) = struct.unpack_from("<Q", table, start + 8)
                (length,) = struct.unpack_from("<Q", table, start + 32)
                stream.seek(offset)
                notes = stream.read(length)
                if _NOTE in notes or _NOTE_4 in notes:
                    return True
    return False
