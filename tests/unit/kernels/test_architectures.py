"""Images of kernels taken apart: such as are made here, packed in every way."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import KernelError
from harness.kernels import architectures, compression
from harness.kernels import spec as kernel_spec
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


class TestWhatCannotBeStarted:
    """A bisect skips such a commit, and is told why."""

    def test_half_an_image(self) -> None:
        whole = bzimage(gzip.compress(KERNEL))
        assert x86_64.fault(whole) is None
        for half in (whole[: len(whole) // 2], whole[:0x240]):
            assert "not whole" in str(x86_64.fault(half))
        packed = zboot(gzip.compress(arm64()))
        assert aarch64.fault(packed) is None
        assert aarch64.fault(arm64()) is None
        assert "not whole" in str(aarch64.fault(packed[:140]))

    def test_half_an_elf_file(self) -> None:
        header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        elf = header + struct.pack("<IIQQQQQQ", 1, 5, 120, 0, 0, 4, 4, 4) + b"text"
        assert x86_64.fault(elf) is None
        assert [bool(x86_64.fault(elf[:end])) for end in (123, 100, 20)] == [True, True, True]

    def test_a_stream_that_breaks_off_is_not_unpacked(self) -> None:
        for pack in (gzip.compress, bz2.compress, lzma.compress):
            packed = pack(KERNEL)
            assert compression.decompressed(packed[: len(packed) - 12]) is None

    def test_a_kernel_of_32_bits(self) -> None:
        image = bytearray(bzimage(gzip.compress(KERNEL)))
        struct.pack_into("<H", image, 0x206, 0x20F)
        assert "CONFIG_64BIT" in str(x86_64.fault(bytes(image)))
        struct.pack_into("<H", image, 0x236, 1)
        assert x86_64.fault(bytes(image)) is None

    @pytest.mark.parametrize(
        ("image", "machine"),
        [
            (b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack("<HH", 2, 243), "RISC-V"),
            (b"\x7fELF\2\2\1".ljust(16, b"\0") + struct.pack(">HH", 2, 22), "s390"),
            (bytes(0x38) + b"RSC\x05", "RISC-V"),
            (b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack("<HH", 2, 9999), "machine 9999"),
        ],
    )
    def test_one_for_a_machine_that_is_not_known(self, image: bytes, machine: str, tmp_path: Path) -> None:
        assert machine in str(architectures.another(image))
        (tmp_path / "vmlinux").write_bytes(image)
        with pytest.raises(KernelError, match=machine):
            kernel_spec.find(str(tmp_path / "vmlinux"), lambda _: None)

    def test_what_is_no_kernel_at_all_is_a_mistake_of_the_command(self) -> None:
        assert architectures.another(b"some text") is None
