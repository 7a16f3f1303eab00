"""Reads a text, line by line, by every dialect."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Protocol, cast

from harness import registry
from harness.explain import dialects, lines
from harness.explain.builder import Builder
from harness.explain.dialects.frames import FRAME, NOT_A_FRAME
from harness.explain.records import Paste
from harness.record import record

LOOSE_BYTES = 2 << 20
"""Dialects that resemble prose are looked for in so much text: a log of 100 MB is none that a person wrote."""


class _Dialect(Protocol):
    ORDER: int
    SUMMARY: str
    HINT: str

    def read(self, text: str, builder: Builder) -> bool: ...


@record(frozen=True, slots=True)
class _Set:
    """Dialects in their order, and one pattern that is found in every line that one of them may take."""

    hint: re.Pattern[str]
    each: tuple[tuple[re.Pattern[str], _Dialect], ...]


@functools.lru_cache(maxsize=2)
def _dialects(loose: bool) -> _Set:
    found = [cast(_Dialect, each) for each in registry.modules(dialects, "ORDER", "SUMMARY", "HINT", "read")]
    taken = sorted((each for each in found if loose or not getattr(each, "LOOSE", False)), key=lambda each: each.ORDER)
    unanchored = "|".join(f"(?:{each.HINT.replace('^', '')})" for each in taken)
    return _Set(re.compile(unanchored), tuple((re.compile(each.HINT), each) for each in taken))


def summaries() -> tuple[str, ...]:
    """What is looked for, one line a dialect."""
    found = registry.modules(dialects, "ORDER", "SUMMARY", "HINT", "read")
    return tuple(str(each.SUMMARY) for each in sorted(found, key=lambda each: int(each.ORDER)))


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
        if "+0x" in raw and len(raw) < 400:
            if "][" in raw or "[T" in raw or "[C" in raw:
                builder.from_origin(lines.caller(raw))
            if (
                "\x1b" not in raw
                and not raw.startswith("{")
                and NOT_A_FRAME.search(raw) is None
                and "/proc/" not in raw
            ):
                found = FRAME.findall(raw)
                if found and "/ " not in raw and "<-" not in raw:
                    for guess, name, module, unreliable in found:
                        builder.frame("frames", name, module, bool(guess or unreliable))
                    builder.met("frames")
                    return
        known = _dialects(self._bytes <= LOOSE_BYTES)
        if raw.startswith("{") or "\x1b" in raw or "&" in raw:
            raw = lines.unwrapped(raw)
            if "\n" in raw:
                for each in raw.split("\n"):
                    self._read(each, known)
                return
        if known.hint.search(raw) is None:
            builder.noise()
            return
        self._read(lines.unwrapped(raw), known)

    def _read(self, raw: str, known: _Set) -> None:
        builder = self._builder
        builder.from_origin(lines.caller(raw))
        text = lines.stripped(raw)
        if not text:
            builder.noise()
            return
        for hint, dialect in known.each:
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
