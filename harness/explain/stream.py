"""Lines of bytes that say something: of a big log, blocks that say nothing are left out as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

BLOCK = 1 << 18
SMALL = 1 << 20
"""So many bytes at the beginning are given line by line: a paste is small."""
LONGEST = 1 << 16
_ASCII = bytes(range(128))
_TAIL = 8192
"""A stack that begins so near to a block's end may go on in the next one, which is then given, too."""


def kept(
    blocks: Iterable[bytes], says: Callable[[bytes], bool], ends: Callable[[bytes], bool]
) -> Iterator[tuple[str, int]]:
    """Lines, each with the number of lines that were left out before it.

    Args:
        blocks: The text, cut anywhere.
        says: True for a block that may hold a line that says something.  Of a big log, it is called with each block
            before the block's lines are given.
        ends: The same of the end of a block.

    Yields:
        A line without its end, and how many lines before it were left out.  The last one may be "" to carry the number.
    """
    rest = b""
    goes_on = False
    seen = 0
    skipped = 0
    for block in blocks:
        text = rest + block
        end = text.rfind(b"\n") + 1
        if not end and len(text) < LONGEST:
            rest = text
            continue
        whole, rest = (text[:end], text[end:]) if end else (text[:LONGEST], text[LONGEST:])
        seen += len(whole)
        if seen > SMALL and not says(whole) and not goes_on:
            skipped += whole.count(b"\n")
            continue
        goes_on = seen > SMALL and ends(whole[-_TAIL:])
        for line in _decoded(whole.removesuffix(b"\n"), seen > SMALL):
            yield line, skipped
            skipped = 0
    says(rest)
    while rest:
        yield rest[:LONGEST].decode(errors="replace").rstrip("\n"), skipped
        skipped, rest = 0, rest[LONGEST:]
    if skipped:
        yield "", skipped


def _decoded(whole: bytes, big: bool) -> Iterable[str]:
    """The lines of a block.  Of a big log, a line that is not UTF-8 and a quarter of whose bytes are not ASCII is "".

    A line of another character set has fewer such bytes: the kernel's own words are ASCII.
    """
    try:
        return whole.decode().split("\n")
    except UnicodeDecodeError:
        lines = whole.split(b"\n")
        return ("" if big and _is_binary(each) else each.decode(errors="replace") for each in lines)


def _is_binary(line: bytes) -> bool:
    if 4 * len(line.translate(None, _ASCII)) < len(line):
        return False
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False
