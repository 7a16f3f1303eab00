"""Types by BTF: members wherever they are nested, those of a module upon those of the kernel."""

from __future__ import annotations

import struct

import pytest

from harness.observe.memory.btf import Btf
from harness.observe.memory.kernel import UnknownError

INT, STRUCT, UNION, ENUM, TYPEDEF, ARRAY = 1, 4, 5, 6, 8, 3
NAMES = ("file", "fuse_conn", "fuse_opcode")


class Maker:
    """Writes BTF, type by type."""

    def __init__(self, base: Maker | None = None) -> None:
        self._strings = b"\0" if base is None else b""
        self._offset: int = 0 if base is None else base._offset + len(base._strings)
        self._base = base
        self._types = b""
        self._count: int = 0 if base is None else base._count

    def string(self, text: str) -> int:
        place = self._offset + len(self._strings)
        self._strings += text.encode() + b"\0"
        return place

    def add(self, kind: int, name: str, count: int, size: int, *rest: int, flag: bool = False) -> int:
        info = kind << 24 | count | flag << 31
        self._types += struct.pack(f"<{3 + len(rest)}I", self.string(name) if name else 0, info, size, *rest)
        self._count += 1
        return self._count

    def record(self, kind: int, name: str, size: int, *members: tuple[str, int, int], flag: bool = False) -> int:
        words = [word for text, of, bits in members for word in (self.string(text) if text else 0, of, bits)]
        return self.add(kind, name, len(members), size, *words, flag=flag)

    def data(self) -> bytes:
        head = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(self._types), len(self._types), len(self._strings))
        return head + self._types + self._strings


def kernel() -> Maker:
    maker = Maker()
    number = maker.add(INT, "long", 0, 8, 64)
    named = maker.add(TYPEDEF, "atomic_t", 0, number)
    inner = maker.record(UNION, "", 8, ("f_llist", number, 0), ("f_rcuhead", named, 0))
    maker.add(ARRAY, "", 0, 0, number, number, 4)
    counted = maker.record(STRUCT, "counter", 8, ("low", number, 0), ("refcnt", number, 32))
    of_counter = maker.add(TYPEDEF, "counter_t", 0, counted)
    maker.record(STRUCT, "file", 16)  # another of the same name, in a driver
    maker.record(STRUCT, "file", 40, ("", inner, 128), ("f_ref", of_counter, 192))
    maker.add(ENUM, "fuse_opcode", 2, 4, maker.string("FUSE_OPEN"), 14, maker.string("FUSE_FLUSH"), 25)
    return maker


def test_members_are_found_in_anonymous_unions_and_behind_typedefs() -> None:
    types = Btf(kernel().data(), NAMES)
    assert types.offset("file", "f_rcuhead") == 16
    assert types.offset("file", "f_ref.refcnt") == 24 + 4
    assert types.enumerators("fuse_opcode") == {"FUSE_OPEN": 14, "FUSE_FLUSH": 25}


def test_what_is_not_there_is_unknown() -> None:
    types = Btf(kernel().data(), NAMES)
    for name, path in (("file", "f_count"), ("file", "f_ref.none"), ("fuse_conn", "dev")):
        with pytest.raises(UnknownError):
            types.offset(name, path)


def test_a_module_goes_on_where_the_kernel_s_types_end() -> None:
    base = kernel()
    named = base.string("dev")  # a module uses the kernel's strings, too
    module = Maker(base)
    module.record(STRUCT, "fuse_conn", 16, ("entry", 1, 0))
    module.add(STRUCT, "fuse_conn", 1, 16, named, 2, 64 | 3 << 24, flag=True)
    types = Btf(module.data(), NAMES, Btf(base.data(), NAMES))
    assert types.offset("fuse_conn", "entry") == 0
    assert types.size("fuse_conn") == 16
    assert types.offset("file", "f_rcuhead") == 16, "those of the kernel as before"


@pytest.mark.parametrize("length", [0, 10, 40, 61, 300])
def test_what_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"too short|cut off"):
        Btf(kernel().data()[:length], NAMES)


def test_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="magic"):
        Btf(b"\x7fELF" + bytes(60), NAMES)
