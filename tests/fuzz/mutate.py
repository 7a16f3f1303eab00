"""Inputs made of usual ones: bytes cut out, doubled, replaced by what is rare, and numbers and names exchanged."""

from __future__ import annotations

import random
import re

RARE = (
    *(b"", b"\0", b"\n", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xe2\x80\xa8", b"\xff", b"\x1b[2J", b"\xe2\x80\xae"),
    *(b"-1", b"0", b"9" * 5000, b"18446744073709551616", b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b'""'),
    *(
        b"[" * 2000,
        b'{"a":' * 2000,
        b"(",
        b")",
        b"]",
        b"}",
        b'"',
        b"\\",
        b":",
        b",",
        b" ",
        b"\t",
        b"/../",
        b"%s",
        b"{0}",
    ),
    *(b"\\ud800", b"x" * 70_000),
)
LONG = 30_000
"""Bytes of a part that is repeated: a step whose work grows with the square of a line shows itself."""
LARGEST = 200_000
"""Bytes of an input: a reader's time is bounded for so much."""
_TOKEN = re.compile(rb"[0-9]+|[A-Za-z_]+|[^\sA-Za-z0-9_]")


def mutated(seed: bytes, choose: random.Random) -> bytes:
    """Change a usual input in some places.

    Args:
        seed: a usual input.
        choose: makes the choices.

    Returns:
        The input, changed in one to six places.
    """
    data = seed
    for _ in range(choose.randint(1, 6)):
        places = [match.span() for match in _TOKEN.finditer(data)]
        if not places:
            return choose.choice(RARE)
        start, end = choose.choice(places)
        change = choose.randrange(7)
        if change == 0:
            data = data[:start] + choose.choice(RARE) + data[end:]
        elif change == 1:
            data = data[:start] + data[choose.randrange(start, len(data) + 1) :]
        elif change == 2:
            data = data[:end] + data[start:end] * choose.randint(1, 40) + data[end:]
        elif change == 3:
            other = choose.choice(places)
            data = data[:start] + data[slice(*other)] + data[end:]
        elif change == 4:
            data = data[:start] + bytes([choose.randrange(256)]) + data[start + 1 :]
        elif change == 5:
            first = choose.choice(places)[0]
            part = data[min(first, start) : max(first, start) + 1][:40]
            data = data[:end] + (part * (LONG // len(part)))[:LONG] + data[end:]
        else:
            data = data[: choose.randrange(len(data) + 1)]
        data = data[:LARGEST]
    return data
