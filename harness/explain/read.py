"""Reads a text, line by line, by every dialect."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Protocol, cast

from harness import registry
from harness.explain import dialects, lines
from harness.explain.builder import Builder
from harness.explain.records import Paste

LOOSE_BYTES = 1 << 20
"""Dialects that resemble prose are looked for in so much text: a log of 100 MB is none that a person wrote."""


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


def marks() -> tuple[str, ...]:
    """Words, one of which is in every line of a big log that is read."""
    return tuple(mark for mark, _ in _marked())


def summaries() -> tuple[str, ...]:
    """What is looked for, one line a dialect."""
    return tuple(each.SUMMARY for each in _dialects())


class Reader:
    """Takes lines as they come; `paste()` is what they say so far."""

    def __init__(self) -> None:
        self._builder = Builder()
        self._bytes = 0

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
            self._builder.noise()
            return
        for each in lines.pieces(lines.unwrapped(raw)):
            self._read(each, sorted({place for places in found for place in places}))

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

    def _read(self, raw: str, places: list[int] | None) -> None:
        builder = self._builder
        builder.from_origin(lines.caller(raw))
        text = lines.stripped(raw)
        if text and places is not None:
            if any(_dialects()[place].read(text, builder) for place in places):
                return
        elif text and _hints()[0].search(text) is not None:
            for hint, dialect in _hints()[1]:
                if hint.search(text) is not None and dialect.read(text, builder):
                    return
        builder.noise()

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
