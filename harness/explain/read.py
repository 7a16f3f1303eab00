"""Reads a text, line by line, by every dialect."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Protocol, cast

from harness import registry
from harness.blockers import table
from harness.explain import dialects, lines
from harness.explain.builder import Builder
from harness.explain.records import Paste

LOOSE_BYTES = 1 << 20
"""After so much text, a line is read only where a word of it is a dialect's mark or a function of the table."""
_NAMES = re.compile(r"(?<!\w)[a-z_]\w*_\w+")
_WORDS = bytes(each if chr(each).isalnum() or each == 95 else 32 for each in range(128)) + b" " * 128
"""Translates what no function's name has in it to blanks."""


class _Dialect(Protocol):
    ORDER: int
    SUMMARY: str
    HINT: str
    MARKS: tuple[str, ...]

    def read(self, text: str, builder: Builder) -> bool: ...


@functools.lru_cache(maxsize=1)
def _dialects() -> tuple[_Dialect, ...]:
    found = [cast(_Dialect, each) for each in registry.modules(dialects, "ORDER", "SUMMARY", "HINT", "MARKS", "read")]
    return tuple(sorted(found, key=lambda each: each.ORDER))


@functools.lru_cache(maxsize=1)
def _hints() -> tuple[re.Pattern[str], tuple[tuple[re.Pattern[str], _Dialect], ...]]:
    """One pattern that is found in every line that a dialect may take, and the patterns of each."""
    together = "|".join(f"(?:{each.HINT})" for each in _dialects())
    return re.compile(together), tuple((re.compile(each.HINT), each) for each in _dialects())


@functools.lru_cache(maxsize=1)
def _marked() -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Each mark, and the places in `_dialects()` of those that have it."""
    found: dict[str, list[int]] = {}
    for at, each in enumerate(_dialects()):
        for mark in each.MARKS:
            found.setdefault(mark, []).append(at)
    return tuple((mark, tuple(places)) for mark, places in found.items())


@functools.lru_cache(maxsize=1)
def _sure() -> tuple[tuple[str, int], ...]:
    """Words whose lines are one dialect's alone, with its place."""
    return tuple((mark, at) for at, each in enumerate(_dialects()) for mark in getattr(each, "SURE", ()))


@functools.lru_cache(maxsize=1)
def _without_marks() -> tuple[int, ...]:
    """Places in `_dialects()` of those that are known by functions of the table alone, and of bpftrace's stacks."""
    return tuple(at for at, each in enumerate(_dialects()) if not each.MARKS or getattr(each, "GOES_ON", False))


@functools.lru_cache(maxsize=1)
def _marks_of_bytes() -> tuple[bytes, ...]:
    return tuple(mark.encode() for mark, _ in _marked())


@functools.lru_cache(maxsize=1)
def _vocabulary_of_bytes() -> frozenset[bytes]:
    return frozenset(name.encode() for name in table.vocabulary())


def says_something(block: bytes) -> bool:
    """True where a block of a big log may hold a line of a dialect: it has a mark, or a function of the table."""
    if any(mark in block for mark in _marks_of_bytes()):
        return True
    return not _vocabulary_of_bytes().isdisjoint(block.translate(_WORDS).split())


def summaries() -> tuple[str, ...]:
    """The forms of text that are looked for, one line a dialect."""
    return tuple(each.SUMMARY for each in _dialects())


class Reader:
    """Takes lines as they come; `paste()` is what they say so far."""

    def __init__(self) -> None:
        self._builder = Builder()
        self._bytes = 0
        self._goes_on = False

    def feed(self, raw: str) -> None:
        """Reads one line, without its end."""
        builder = self._builder
        builder.lines += 1
        self._bytes += len(raw)
        if "+0x" in raw and self._frame(raw):
            return
        if self._bytes > LOOSE_BYTES:
            self._search(raw)
        else:
            for each in lines.pieces(lines.unwrapped(raw)):
                self._read(each, None)

    def _search(self, raw: str) -> None:
        """A line of a big log: the dialects that have a mark in it are asked, and no others."""
        for mark, place in _sure():
            if mark in raw:
                for each in lines.pieces(lines.unwrapped(raw)):
                    self._read(each, [place])
                return
        found = [places for mark, places in _marked() if mark in raw]
        if not found:
            self._by_functions(raw)
            return
        places = sorted({place for places in found for place in places})
        for each in lines.pieces(lines.unwrapped(raw)):
            self._goes_on = self._read(each, places) and not set(places).isdisjoint(_without_marks())

    def _by_functions(self, raw: str) -> None:
        """A line without a mark: it may name functions of the table, or go on with a stack whose lines have no mark."""
        if not self._goes_on and table.vocabulary().isdisjoint(_NAMES.findall(raw)):
            self._builder.noise()
            return
        self._goes_on = False
        for each in lines.pieces(lines.unwrapped(raw)):
            self._goes_on = self._read(each, None, _without_marks())

    def _frame(self, raw: str) -> bool:
        """Takes the commonest line, one frame and nothing after it, without any pattern; False leaves it to the
        dialects."""
        text = raw.rstrip()
        module = ""
        if text.endswith("]"):
            text, _, module = text.rpartition(" [")
            module = module[:-1].partition(" ")[0]
        head, _, last = text.rpartition(" ")
        name, offset, size = last.partition("+0x")
        if (
            not offset
            or "/0x" not in size
            or not name.isidentifier()
            or (module and not module.replace("-", "_").isidentifier())
        ):
            return self._cloned(raw, head, name, size, module)
        return self._taken(raw, head, name, module)

    def _cloned(self, raw: str, head: str, name: str, size: str, module: str) -> bool:
        """`f.isra.0+0x1/0x2`: a name with the compiler's suffix."""
        if (
            "/0x" not in size
            or not name.replace(".", "_").isidentifier()
            or (module and not module.replace("-", "_").isidentifier())
        ):
            return False
        return self._taken(raw, head, name, module)

    def _taken(self, raw: str, head: str, name: str, module: str) -> bool:
        before = head.rstrip()
        guess = before.endswith("?")
        if guess:
            before = before[:-1].rstrip()
        if before and before[-1] not in "]>" and not before.endswith(("kernel:", " F")):
            return False
        if (
            raw.startswith(("{", "#"))
            or "\x1b" in raw
            or "&" in raw
            or "/proc/" in raw
            or (before.endswith("]") and " #" in before)
        ):
            return False
        builder = self._builder
        if "][" in before:
            builder.from_origin(lines.caller(raw))
        builder.frame("frames", name, module, guess)
        builder.met("frames")
        return True

    def _read(self, raw: str, places: list[int] | None, hinted: tuple[int, ...] | None = None) -> bool:
        """Reads one piece.

        Args:
            raw: The piece, with its prefixes.
            places: The dialects that a mark was found of; None where their hints are to be looked for.
            hinted: Of those whose hints are looked for, the dialects that may take it; None for all.

        Returns:
            True where a dialect took it.
        """
        builder = self._builder
        builder.from_origin(lines.caller(raw))
        text = lines.stripped(raw)
        if text and places is not None:
            if any(_dialects()[place].read(text, builder) for place in places):
                return True
        elif text and (hinted is not None or _hints()[0].search(text) is not None):
            for at, (hint, dialect) in enumerate(_hints()[1]):
                if (hinted is None or at in hinted) and hint.search(text) is not None and dialect.read(text, builder):
                    return True
        builder.noise()
        return False

    def gap(self, skipped: int) -> None:
        """Lines that say nothing were left out here."""
        self._builder.lines += skipped
        self._bytes += skipped * 80
        self._builder.pause()

    def paste(self) -> Paste:
        """All that was read.  The task under way is closed by it."""
        return self._builder.paste()


def read(text: str | Iterable[str]) -> Paste:
    """All that a text says.

    Args:
        text: The text, or its lines.
    """
    reader = Reader()
    for line in text.splitlines() if isinstance(text, str) else text:
        reader.feed(line.rstrip("\r\n"))
    return reader.paste()
