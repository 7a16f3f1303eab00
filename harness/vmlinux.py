"""A bzImage taken apart (Documentation/arch/x86/boot.rst): its names, and the kernel inside.

An emulated processor unpacks its own kernel slowly: unpacked here, a stock kernel boots in half the time.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

_MAGIC = b"HdrS"
_LINUX = re.compile(rb"Linux version (\S+) [^#\0]*(#[^\n\0]*)")
_NOTE = struct.pack("<III", 4, 8, 18) + b"Xen\0"
"""XEN_ELFNOTE_PHYS32_ENTRY with an address of eight bytes: QEMU starts an ELF kernel by it alone."""
_NOTE_4 = struct.pack("<III", 4, 4, 18) + b"Xen\0"
_PT_NOTE = 4
SIZE = 4
"""Bytes in which a payload's own size follows it."""


def names(data: bytes) -> tuple[str, str]:
    """`uname -r` and, as far as the image tells, `uname -v`.  ValueError for what is no x86 kernel."""
    if data[0x202:0x206] == _MAGIC:
        (offset,) = struct.unpack_from("<H", data, 0x20E)
        text = data[0x200 + offset : 0x200 + offset + 256].split(b"\0")[0].decode(errors="replace")
        release, _, rest = text.partition(" ")
        return release, rest[rest.find("#") :] if "#" in rest else ""
    if data[:4] == b"\x7fELF" and (match := _LINUX.search(data)):
        return match[1].decode(), match[2].decode().strip()
    raise ValueError("it has neither the header of the Linux boot protocol nor a version")


def unpack(data: bytes) -> bytes | None:
    """The ELF file inside; None where it is packed in a way that is not known here, or QEMU could not start it."""
    kernel: bytes | None = data
    if data[:4] != b"\x7fELF":
        sectors = data[0x1F1] or 4
        offset, length = struct.unpack_from("<II", data, 0x248)
        start = (sectors + 1) * 512 + offset
        kernel = _decompressed(data[start : start + length], SIZE)
    if kernel is None or kernel[:4] != b"\x7fELF":
        return None
    return kernel if _NOTE in kernel or _NOTE_4 in kernel else None


def starts_alone(elf: Path) -> bool:
    """Whether QEMU can start that ELF file of 64 bits; it may be large, for what debuggers read."""
    with elf.open("rb") as stream:
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


def has_parameter(elf: Path, name: str) -> bool:
    """Whether that kernel knows a parameter of what is built in, such as `virtio_mmio.device` (module_param())."""
    import mmap

    with elf.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(name.encode() + b"\0") >= 0


def decompressed(packed: bytes) -> bytes | None:
    """A whole file; None for an unknown way, or where the program for it is not there."""
    return _decompressed(packed, trailer=0)


def _decompressed(payload: bytes, trailer: int) -> bytes | None:
    """None for an unknown way, or where the program for it is not there.  `trailer`: bytes behind it that are no part
    of the stream."""
    import bz2
    import lzma
    import zlib

    if payload.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(31).decompress(payload)
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"BZh"):
        return bz2.BZ2Decompressor().decompress(payload)
    stream = payload[: len(payload) - trailer]
    if payload.startswith(b"\x28\xb5\x2f\xfd"):
        return _by_command(("zstd", "--decompress", "--stdout"), stream)
    if payload.startswith(b"\x02\x21\x4c\x18"):
        return _by_command(("lz4", "--decompress", "--stdout"), stream)
    return None


def _by_command(argv: tuple[str, ...], packed: bytes) -> bytes | None:
    import subprocess

    try:
        ended = subprocess.run(argv, input=packed, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return ended.stdout if ended.returncode == 0 else None
