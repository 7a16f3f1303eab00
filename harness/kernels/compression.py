"""Compression formats of kernels and modules, and the version banner of an unpacked kernel."""

from __future__ import annotations

import re
from typing import Protocol

from harness.errors import UsageError

MOST = 1 << 29
"""Bytes of an unpacked image: a kernel with everything built in has 100 MB, and with debug information 400."""

_BANNER = re.compile(rb"Linux version (\S+) [^#\0]*(#[^\n\0]*)")


def banner(kernel: bytes) -> tuple[str, str] | None:
    """`uname -r` and `uname -v`, as in linux_banner; None where there is none."""
    found = _BANNER.search(kernel)
    return (found[1].decode(errors="replace"), found[2].decode(errors="replace").strip()) if found else None


def decompressed(packed: bytes, trailer: int = 0) -> bytes | None:
    """Unpack the image of a kernel, or a module.

    Args:
        packed: what it is packed in is told by its first bytes.
        trailer: bytes behind it that are no part of the stream.

    Returns:
        The content; None for an unknown way, a broken stream or a missing program.

    Raises:
        UsageError: it has more than MOST bytes.
    """
    import bz2
    import lzma
    import zlib

    found: bytes | None = None
    stream = packed[: len(packed) - trailer]
    try:
        if packed.startswith(b"\x1f\x8b"):
            found = _whole(zlib.decompressobj(31), packed)
        elif packed.startswith(b"\xfd7zXZ\0"):
            found = _whole(lzma.LZMADecompressor(memlimit=MOST), packed)
        elif packed.startswith(b"BZh"):
            found = _whole(bz2.BZ2Decompressor(), packed)
        elif packed.startswith(b"\x28\xb5\x2f\xfd"):
            found = _by_command(("zstd", "--decompress", "--stdout"), stream)
        elif packed.startswith(b"\x02\x21\x4c\x18"):
            found = _by_command(("lz4", "--decompress", "--stdout"), stream)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        return None
    if found is not None and len(found) > MOST:
        raise UsageError(f"a kernel's image or module is larger than {MOST >> 20} MiB when it is unpacked")
    return found


class _Decompressor(Protocol):
    """The common interface of the decompressors of zlib, lzma and bz2."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _whole(stream: _Decompressor, packed: bytes) -> bytes | None:
    """Decompress up to MOST + 1 bytes; None for a stream that breaks off."""
    found = stream.decompress(packed, MOST + 1)
    return found if stream.eof or len(found) > MOST else None


def _by_command(argv: tuple[str, ...], packed: bytes) -> bytes | None:
    """Read up to MOST + 1 bytes of the program's output."""
    import subprocess
    import tempfile

    with tempfile.TemporaryFile() as source:
        source.write(packed)
        source.seek(0)
        try:
            program = subprocess.Popen(argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            return None
        with program:
            assert program.stdout is not None
            found = program.stdout.read(MOST + 1)
            if len(found) > MOST:
                program.kill()
                return found
        return found if program.returncode == 0 else None
