"""Reads a text, line by line, by every dialect."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from harness import registry
from harness.blockers import table
from harness.explain import dialects, lines
from harness.explain.builder import Builder
from harness.explain.records import Frame, Paste

LOOSE_BYTES = 1 << 20
"""After so much text, a line is read only where a word of it is a dialect's mark or a function of the table."""
MOST_TAILS = 50_000
"""Frames, with their offsets, that are remembered: the calls of one kernel that lead to a wait are fewer."""
MOST_SHAPES = 20_000
"""Shapes of lines that are remembered to say nothing, each shorter than LONGEST_SHAPE characters."""
LONGEST_SHAPE = 400
_DIGITS = str.maketrans("123456789", "0" * 9)
_HEX = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*")
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
def _quick() -> tuple[Callable[[str, Builder], bool], ...]:
    return tuple(each.quick for each in _dialects() if hasattr(each, "quick"))


@functools.lru_cache(maxsize=1)
def _choosy() -> dict[int, Callable[[str], bool]]:
    """Dialects that can refuse a line at once: their place in `_dialects()`, and the function that says so."""
    return {at: each.may_take for at, each in enumerate(_dialects()) if hasattr(each, "may_take")}


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


@functools.lru_cache(maxsize=1)
def _words_with_numbers() -> tuple[frozenset[str], tuple[str, ...]]:
    """Functions of the table, and marks, that have a number in them, such as `kernel_wait4`: with 0 in its place."""
    names = {_HEX.sub("0", name) for name in table.vocabulary() if _HEX.search(name)}
    marks = {_HEX.sub("0", mark) for mark, _ in (*_marked(), *_sure()) if re.search("[1-9]", mark)}
    return frozenset(names), tuple(marks)


def _has_words_with_numbers(rough: str) -> bool:
    """True if a line of this shape may say something, though another one of it said nothing."""
    names, marks = _words_with_numbers()
    return not names.isdisjoint(re.findall(r"\w+", rough)) or any(mark in rough for mark in marks)


def says_something(block: bytes) -> bool:
    """True where a block of a big log may hold a line of a dialect: it has a mark, or a function of the table."""
    return any(mark in block for mark in _marks_of_bytes()) or _names_a_function(block)


def _names_a_function(block: bytes) -> bool:
    return not _vocabulary_of_bytes().isdisjoint(block.translate(_WORDS).split())


def _tail(text: str) -> tuple[str, str, bool, str]:
    """One frame, `? f+0x1/0x2 [module]`, at the end of a line, whose other part ends with a bracket.

    Args:
        text: What follows the last bracket that a blank follows.

    Returns:
        The function, its module, whether it is a guess, and what stands before it; a function "" where it is no frame.
    """
    none = ("", "", False, "")
    if "\x1b" in text or "&" in text or "/proc/" in text:
        return none
    module = ""
    rest = text
    if text.endswith("]"):
        rest, _, module = text.rpartition(" [")
        module = module[:-1].partition(" ")[0]
        if not module.replace("-", "_").isidentifier():
            return none
    head, _, last = rest.rpartition(" ")
    name, _, size = last.partition("+0x")
    if "/0x" not in size or not name.replace(".", "_").isidentifier():
        return none
    before = head.rstrip()
    guess = before.endswith("?")
    return name, module, guess, before[:-1].rstrip() if guess else before


def summaries() -> tuple[str, ...]:
    """The forms of text that are looked for, one line a dialect."""
    return tuple(each.SUMMARY for each in _dialects())


class Reader:
    """Takes lines as they come; `paste()` is what they say so far."""

    __slots__ = ("_block", "_builder", "_bytes", "_goes_on", "_marks", "_nothings", "_origins", "_shapes", "_tails")

    def __init__(self) -> None:
        self._builder = Builder()
        self._bytes = 0
        self._goes_on = False
        self._block = b""
        self._marks = _marked()
        self._tails: dict[str, tuple[Frame | None, str]] = {}
        self._shapes: dict[str, tuple[int, bool]] = {}
        """Lines that said nothing, each digit as 0: how often that was counted, and whether an origin was."""
        self._nothings = 0
        self._origins = 0

    def says_something(self, block: bytes) -> bool:
        """True where a block of a big log, which is fed next, may hold a line of a dialect.

        Few marks stand in one block: its lines need not be searched for the others.
        """
        self._block = block
        return says_something(block)

    def feed(self, raw: str) -> None:
        """Reads one line, without its end."""
        builder = self._builder
        builder.lines += 1
        self._bytes += len(raw)
        if "+0x" in raw:
            if self._frame(raw):
                return
        elif self._bytes > LOOSE_BYTES and self._quick(raw):
            return
        if self._bytes > LOOSE_BYTES:
            self._remembered(raw)
        else:
            for each in lines.pieces(lines.unwrapped(raw)):
                self._read(each, None)

    def _quick(self, raw: str) -> bool:
        """Takes the commonest lines of a big log that are no frames: empty ones, and those around a stack."""
        if not raw:
            self._goes_on = False
            self._builder.noise()
            return True
        if raw[0] == "{" or len(raw) > lines.LONGEST:
            return False
        return any(quick(raw, self._builder) for quick in _quick())

    def _remembered(self, raw: str) -> None:
        """A line of a big log; one that differs in its numbers alone from one that said nothing says nothing either.

        Where a line before is waited upon, or went on, or a dialect has taken a line since, it is read all the same.
        """
        builder = self._builder
        if self._goes_on or len(raw) >= LONGEST_SHAPE or builder.wanted():
            self._search(raw)
            self._shapes.clear()
            return
        shape, rough = raw.translate(_DIGITS), ""
        known = self._shapes.get(shape)
        if known is None:
            rough = _HEX.sub("0", raw)
            known = self._shapes.get(rough)
        if known is not None:
            nothings, origin = known
            if origin:
                builder.from_origin(lines.caller(raw))
            for _ in range(nothings):
                builder.noise()
            return
        nothings, origins = self._nothings, self._origins
        taken = self._search(raw)
        if taken or self._goes_on or len(self._shapes) >= MOST_SHAPES:
            self._shapes.clear()
        if not taken and not self._goes_on and not _has_words_with_numbers(rough):
            self._shapes[shape] = self._shapes[rough] = (self._nothings - nothings, self._origins > origins)

    def _nothing(self) -> None:
        self._nothings += 1
        self._builder.noise()

    def _search(self, raw: str) -> bool:
        """A line of a big log: the dialects that have a mark in it are asked, and no others.  True if one took it."""
        for mark, place in _sure():
            if mark in raw:
                answers = [self._read(each, [place]) for each in lines.pieces(lines.unwrapped(raw))]
                return any(answers)
        if self._block:
            self._marks = tuple(each for each in _marked() if each[0].encode() in self._block)
            self._block = b""
        found = [places for mark, places in self._marks if mark in raw]
        if not found:
            return self._by_functions(raw)
        places = sorted({place for places in found for place in places})
        if lines.plain(raw):
            places = [place for place in places if place not in _choosy() or _choosy()[place](raw)]
            if not places:
                self._goes_on = False
                self._nothing()
                return False
        taken = False
        for each in lines.pieces(lines.unwrapped(raw)):
            answer = self._read(each, places)
            taken = taken or answer
            self._goes_on = answer and not set(places).isdisjoint(_without_marks())
        return taken

    def _by_functions(self, raw: str) -> bool:
        """A line without a mark: it may name functions of the table, or go on with a stack whose lines have no mark.

        Returns:
            True if a dialect took it.
        """
        wanted = bool(self._builder.wanted())
        if not self._goes_on and not wanted and table.vocabulary().isdisjoint(_NAMES.findall(raw)):
            self._nothing()
            return False
        self._goes_on = taken = False
        for each in lines.pieces(lines.unwrapped(raw)):
            self._goes_on = self._read(each, None, None if wanted else _without_marks())
            taken = taken or self._goes_on
        return taken

    def _frame(self, raw: str) -> bool:
        """Takes the commonest line, one frame and nothing after it, without any pattern; False leaves it to the
        dialects."""
        head, bracket, tail = raw.rstrip().rpartition("] ")
        known = self._tails.get(tail)
        if known is None:
            name, module, guess, before = _tail(tail)
            known = (self._builder.known(name, module, guess) if name else None, before)
            if len(self._tails) < MOST_TAILS and len(tail) < 256:
                self._tails[tail] = known
        frame, before = known
        if frame is None or raw[0] in "{#" or "\x1b" in head or "\r" in head or "&" in head or "/proc/" in head:
            return False
        if before:
            whole = f"{head}] {before}" if bracket else before
            if before[-1] not in "]>" and not whole.endswith(("kernel:", " F")):
                return False
            if before[-1] == "]" and " #" in whole:
                return False
        elif " #" in head:
            return False
        builder = self._builder
        if "][" in head:
            builder.from_origin(lines.caller(raw))
        builder.add("frames", frame)
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
        self._origins += 1
        builder.from_origin(lines.caller(raw))
        text = lines.stripped(raw)
        if text and places is not None:
            if any(_dialects()[place].read(text, builder) for place in places):
                return True
        elif text and (hinted is not None or _hints()[0].search(text) is not None):
            for at, (hint, dialect) in enumerate(_hints()[1]):
                if (hinted is None or at in hinted) and hint.search(text) is not None and dialect.read(text, builder):
                    return True
        self._nothing()
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
