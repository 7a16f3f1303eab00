"""Images of kernels taken apart: such as are made here, packed in every way."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import subprocess
from collections.abc import Callable

import pytest

from harness.kernels import architectures
from harness.kernels.architectures import aarch64, x86_64
from tests.conftest import require

PVH = struct.pack("<III", 4, 8, 18) + b"Xen\0" + bytes(8)
KERNEL = b"\x7fELF" + b"text" * 100 + PVH
RELEASE = "6.1.0-56-amd64"
BANNER = b"\0Linux version 6.1.192 (who@where) (gcc 12) #7 SMP Tue Nov 24\n\0"


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
    assert x86_64.unpack(bzimage(pack(KERNEL))) == KERNEL


def test_the_size_after_the_stream_is_no_part_of_it() -> None:
    assert x86_64.unpack(bzimage(lzma.compress(KERNEL) + struct.pack("<I", len(KERNEL)))) == KERNEL


def test_what_is_packed_in_an_unknown_way_starts_as_it_is() -> None:
    assert x86_64.unpack(bzimage(b"????" + KERNEL)) is None


def test_without_the_note_qemu_could_not_start_it() -> None:
    assert x86_64.unpack(bzimage(gzip.compress(KERNEL.replace(PVH, b"")))) is None


def test_an_elf_file_is_there_already() -> None:
    assert x86_64.unpack(KERNEL) == KERNEL


def test_names() -> None:
    assert x86_64.names(bzimage(b"")) == (RELEASE, "#1 SMP PREEMPT Debian 6.1.192-2")
    elf = struct.pack("<16sHH", b"\x7fELF\2", 2, 62) + BANNER
    assert architectures.recognised(elf) == ("x86_64", "6.1.192", "#7 SMP Tue Nov 24")


def arm64(text: bytes = BANNER) -> bytes:
    image = bytearray(64) + text
    image[0x38:0x3C] = b"ARM\x64"
    return bytes(image)


def zboot(payload: bytes) -> bytes:
    return struct.pack("<2s2x4sII", b"MZ", b"zimg", 128, len(payload)).ljust(128, b"\0") + payload + b"what follows"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda image: zboot(gzip.compress(image))])
def test_an_image_for_arm64(pack: Callable[[bytes], bytes]) -> None:
    assert aarch64.unpack(pack(arm64())) == arm64()
    assert architectures.recognised(pack(arm64())) == ("aarch64", "6.1.192", "#7 SMP Tue Nov 24")


@pytest.mark.parametrize("pack", [("zstd", "-19"), ("lz4", "-l"), ("xz", "--check=crc32")], ids=lambda argv: argv[0])
def test_an_efi_program_that_unpacks_itself(pack: tuple[str, ...]) -> None:
    """As the kernel's Makefile packs it: its size comes after the stream."""
    require(pack[0])
    done = subprocess.run([*pack, "--stdout", "-"], input=arm64(), capture_output=True, check=True)
    assert aarch64.unpack(zboot(done.stdout + struct.pack("<I", len(arm64())))) == arm64()


@pytest.mark.parametrize(
    "data",
    [b"", b"#!/bin/sh\n", b"\x7fELF and no version", gzip.compress(b"text", mtime=0), zboot(b"????"), arm64(b"")],
)
def test_what_is_no_kernel_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no kernel for aarch64 or x86_64"):
        architectures.recognised(data)


def test_each_tells_all_that_differs() -> None:
    for machine in architectures.known():
        architectures.of(machine)
    assert os.uname().machine in architectures.known()
