"""Lines of bytes that say something: of a big log, blocks that hold no mark are left out as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

BLOCK = 1 << 18
SMALL = 1 << 20
"""So many bytes at the beginning are given line by line: a paste is small, and may hold what no mark is known for."""
LONGEST = 1 << 16


def kept(blocks: Iterable[bytes], marks: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """Lines, each with the number of lines that were left out before it.

    Args:
        blocks: The text, cut anywhere.
        marks: Words, one of which is in every line that says something.

    Yields:
        A line without its end, and how many lines before it were left out.  The last one may be "" to carry the number.
    """
    words = [each.encode() for each in marks]
    rest = b""
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
        if seen > SMALL and not any(word in whole for word in words):
            skipped += whole.count(b"\n")
            continue
        for line in whole.split(b"\n"):
            yield line.decode(errors="replace"), skipped
            skipped = 0
    while rest:
        yield rest[:LONGEST].decode(errors="replace").rstrip("\n"), skipped
        skipped, rest = 0, rest[LONGEST:]
    if skipped:
        yield "", skipped
