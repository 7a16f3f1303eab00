"""What kernels and their modules are packed in, and the banner that an unpacked kernel bears."""

from __future__ import annotations

import re

_BANNER = re.compile(rb"Linux version (\S+) [^#\0]*(#[^\n\0]*)")


def banner(kernel: bytes) -> tuple[str, str] | None:
    """`uname -r` and `uname -v`, as in linux_banner; None where there is none."""
    found = _BANNER.search(kernel)
    return (found[1].decode(), found[2].decode().strip()) if found else None


def decompressed(packed: bytes, trailer: int = 0) -> bytes | None:
    """None for an unknown way, or where the program for it is not there.  `trailer`: bytes behind it that are no part
    of the stream."""
    import bz2
    import lzma
    import zlib

    if packed.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(31).decompress(packed)
    if packed.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(packed)
    if packed.startswith(b"BZh"):
        return bz2.BZ2Decompressor().decompress(packed)
    stream = packed[: len(packed) - trailer]
    if packed.startswith(b"\x28\xb5\x2f\xfd"):
        return _by_command(("zstd", "--decompress", "--stdout"), stream)
    if packed.startswith(b"\x02\x21\x4c\x18"):
        return _by_command(("lz4", "--decompress", "--stdout"), stream)
    return None


def _by_command(argv: tuple[str, ...], packed: bytes) -> bytes | None:
    import subprocess

    try:
        ended = subprocess.run(argv, input=packed, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return ended.stdout if ended.returncode == 0 else None
