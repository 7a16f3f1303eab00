"""A bzImage taken apart: one that is made here, packed in every way."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable

import pytest

from harness import vmlinux

PVH = struct.pack("<III", 4, 8, 18) + b"Xen\0" + bytes(8)
KERNEL = b"\x7fELF" + b"text" * 100 + PVH
RELEASE = "6.1.0-56-amd64"


def bzimage(payload: bytes, names: str = f"{RELEASE} (who@where) #1 SMP PREEMPT Debian 6.1.192-2") -> bytes:
    sectors = 3
    image = bytearray((sectors + 1) * 512)
    image[0x1F1] = sectors
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x20E, 0x300)
    text = names.encode() + b"\0"
    image[0x500 : 0x500 + len(text)] = text
    struct.pack_into("<II", image, 0x248, 64, len(payload))
    return bytes(image) + bytes(64) + payload + b"what follows"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_was_packed_is_there_again(pack: Callable[[bytes], bytes]) -> None:
    assert vmlinux.unpack(bzimage(pack(KERNEL))) == KERNEL


def test_the_size_after_the_stream_is_no_part_of_it() -> None:
    assert vmlinux.unpack(bzimage(lzma.compress(KERNEL) + struct.pack("<I", len(KERNEL)))) == KERNEL


def test_what_is_packed_in_an_unknown_way_starts_as_it_is() -> None:
    assert vmlinux.unpack(bzimage(b"????" + KERNEL)) is None


def test_without_the_note_qemu_could_not_start_it() -> None:
    assert vmlinux.unpack(bzimage(gzip.compress(KERNEL.replace(PVH, b"")))) is None


def test_an_elf_file_is_there_already() -> None:
    assert vmlinux.unpack(KERNEL) == KERNEL


def test_names() -> None:
    assert vmlinux.names(bzimage(b"")) == (RELEASE, "#1 SMP PREEMPT Debian 6.1.192-2")
    elf = b"\x7fELF\0Linux version 6.1.192 (who@where) (gcc 12) #7 SMP Tue Nov 24\n\0"
    assert vmlinux.names(elf) == ("6.1.192", "#7 SMP Tue Nov 24")


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"\x7fELF and no version"])
def test_what_is_no_kernel_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="neither"):
        vmlinux.names(data)
