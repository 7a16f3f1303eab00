"""Types of a kernel by its own BTF (Documentation/bpf/btf.rst): on nearly every host, where debug information is not.

Only what is asked for is decoded: the types of a kernel are some 100,000, those that matter here are thirty.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from harness.observe.memory.kernel import UnknownError

_MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")
_PTR, _ARRAY, _STRUCT, _UNION, _ENUM = 2, 3, 4, 5, 6
_FUNC_PROTO, _VAR, _DATASEC, _DECL_TAG, _ENUM64 = 13, 14, 15, 17, 19
_INT = 1
_TRANSPARENT = frozenset((8, 9, 10, 11, 18))  # typedef, volatile, const, restrict, type_tag
_NAMED = frozenset((_STRUCT, _UNION, _ENUM))
_KINDS = 32
_WORDS_OF = {_INT: 1, _ARRAY: 3, _VAR: 1, _DECL_TAG: 1}
"""32-bit words that follow the three of a type's head."""
_WORDS_PER_ENTRY = {_STRUCT: 3, _UNION: 3, _ENUM: 2, _FUNC_PROTO: 2, _DATASEC: 3, _ENUM64: 3}
"""The same for each of its members, values or parameters."""
_HEAD = [3 + _WORDS_OF.get(kind, 0) for kind in range(_KINDS)]
_EACH = [_WORDS_PER_ENTRY.get(kind, 0) for kind in range(_KINDS)]


class Btf:
    """The types of the kernel (`base` is None) or of one module, which continues those of the kernel."""

    def __init__(self, data: bytes, names: Iterable[str], base: Btf | None = None) -> None:
        """Index the types.

        Args:
            data: The section .BTF, as /sys/kernel/btf has it.
            names: The structs, unions and enumerations that will be asked for: only these are found by name.
            base: The types of the kernel, for those of a module.

        Raises:
            ValueError: It is no BTF.
        """
        try:
            magic, _, _, head, types_at, types_size, strings_at, strings_size = _HEADER.unpack_from(data)
        except struct.error as error:
            raise ValueError("it is too short") from error
        if magic != _MAGIC:
            raise ValueError("it has no magic number of BTF")
        self._base = base
        types = data[head + types_at : head + types_at + types_size]
        if len(types) < types_size or len(data) < head + strings_at + strings_size:
            raise ValueError("it is cut off")
        self._words = memoryview(types).cast("I")
        self._strings = data[head + strings_at : head + strings_at + strings_size]
        self._first: int = 1 if base is None else base._first + len(base._places)
        self._first_string: int = 0 if base is None else base._first_string + len(base._strings)
        self._places: list[int] = []
        """The offset at which each type begins, by its number."""
        self._named: dict[str, list[int]] = {name: [] for name in names}
        """Numbers of the structs, unions and enumerations, those of the module alone."""
        try:
            self._walk()
        except IndexError as error:
            raise ValueError("its types end in the middle of one") from error

    def _walk(self) -> None:
        wanted = {place: found for name, found in self._named.items() for place in self._places_of_string(name)}
        words, head, each = self._words, _HEAD, _EACH
        add = self._places.append
        place, end, number = 0, len(words), self._first
        while place < end:
            add(place)
            info = words[place + 1]
            kind = info >> 24 & 31
            if words[place] in wanted and kind in _NAMED:
                wanted[words[place]].append(number)
            place += head[kind] + each[kind] * (info & 0xFFFF)
            number += 1

    def size(self, name: str) -> int:
        """Return the bytes of a struct or union; raises UnknownError."""
        owner, place = self._at(self._numbers(name)[0])
        return owner._words[place + 2]

    def offset(self, name: str, path: str) -> int:
        """Return the offset in bytes of a member; raises UnknownError.

        Several types may have one name: the first that has the member is meant.
        """
        for number in self._numbers(name):
            found = self._offset(number, path.split("."))
            if found is not None:
                return found
        raise UnknownError(f"struct {name} has no member {path}")

    def enumerators(self, name: str) -> dict[str, int]:
        """Return the values of an enumeration; raises UnknownError."""
        owner, place = self._at(self._numbers(name, frozenset((_ENUM,)))[0])
        words = owner._words
        count = words[place + 1] & 0xFFFF
        return {self._string(words[at]): words[at + 1] for at in range(place + 3, place + 3 + 2 * count, 2)}

    def _numbers(self, name: str, kinds: frozenset[int] = frozenset((_STRUCT, _UNION))) -> tuple[int, ...]:
        found = tuple(number for number in self._find(name) if self._kind(number) in kinds)
        if not found:
            raise UnknownError(f"there is no type {name}")
        return found

    def _find(self, name: str) -> Iterator[int]:
        """The module's own first."""
        yield from self._named[name]
        if self._base is not None:
            yield from self._base._find(name)

    def _kind(self, number: int) -> int:
        owner, place = self._at(number)
        return owner._words[place + 1] >> 24 & 31

    def _places_of_string(self, name: str) -> Iterator[int]:
        """The offset of the string: a module uses those of the kernel, too."""
        if self._base is not None:
            yield from self._base._places_of_string(name)
        key = b"\0" + name.encode() + b"\0"
        at = self._strings.find(key)
        while at >= 0:
            yield self._first_string + at + 1
            at = self._strings.find(key, at + 1)

    def _at(self, number: int) -> tuple[Btf, int]:
        if self._base is not None and number < self._first:
            return self._base._at(number)
        return self, self._places[number - self._first]

    def _string(self, place: int) -> str:
        if self._base is not None and place < self._first_string:
            return self._base._string(place)
        place -= self._first_string
        return self._strings[place : self._strings.index(b"\0", place)].decode()

    def _offset(self, number: int, path: list[str]) -> int | None:
        for name, kind, bits in self._members(number):
            if name == path[0] and len(path) == 1:
                return bits // 8
            if name == path[0] or not name:
                inner = self._offset(self._plain(kind), path[1:] if name else path)
                if inner is not None:
                    return bits // 8 + inner
        return None

    def _members(self, number: int) -> Iterator[tuple[str, int, int]]:
        """(name, type, offset in bits); the name of an anonymous struct or union is empty."""
        if number == 0:
            return
        owner, place = self._at(number)
        words = owner._words
        info = words[place + 1]
        if info >> 24 & 31 not in (_STRUCT, _UNION):
            return
        mask = 0xFFFFFF if info >> 31 else 0xFFFFFFFF  # kind_flag: the upper bits are the size of a bit field
        for at in range(place + 3, place + 3 + 3 * (info & 0xFFFF), 3):
            yield self._string(words[at]), words[at + 1], words[at + 2] & mask

    def _plain(self, number: int) -> int:
        """Without typedefs and qualifiers; 0 is void."""
        while number:
            owner, place = self._at(number)
            if owner._words[place + 1] >> 24 & 31 not in _TRANSPARENT:
                break
            number = owner._words[place + 2]
        return number
