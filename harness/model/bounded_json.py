"""JSON from others, parsed within limits: recordings, captures, what a guest tells, what a container runtime keeps.

Python's own parser takes any depth up to its recursion limit, integers of any length, NaN and infinity; each of these
becomes an error somewhere else, or takes memory that a stranger chooses.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

SIZE = 64 << 20
"""Characters of a document, unless the caller has a tighter limit."""
DEPTH = 48
VALUES = 1_500_000
"""Values of a document; with Python's overhead for each, some 100 MB."""
DIGITS = 40
"""Digits of an integer: the largest that the kernel writes, 2**64 - 1, has 20."""


def parse(text: str | bytes, size: int = SIZE) -> Any:
    """Parse a document.

    Args:
        text: the document; bytes must be UTF-8.
        size: the most characters or bytes that it may have.

    Returns:
        What `json.loads` returns.

    Raises:
        ValueError: it is no JSON, or goes beyond a limit; the message says which.
    """
    if len(text) > size:
        raise ValueError(f"it is larger than {size} bytes")
    if isinstance(text, bytes):
        text = text.decode()
    if text.count(",") + text.count("[") + text.count("{") > VALUES:
        raise ValueError(f"it holds more than {VALUES} values")
    try:
        raw = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_refused)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEPTH} levels") from None
    _measure(raw)
    return raw


def _measure(raw: Any) -> None:
    """Level by level, and not by recursion."""
    level = [raw] if isinstance(raw, (dict, list)) else []
    for _ in range(DEPTH):
        if not level:
            return
        children = (child for each in level for child in (each.values() if isinstance(each, dict) else each))
        level = [child for child in children if isinstance(child, (dict, list))]
    raise ValueError(f"it is nested deeper than {DEPTH} levels")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _number(text: str) -> float:
    value = float(text)
    if abs(value) > 1e18 or len(text) > 40:
        raise ValueError(f"a number is out of range: {text[:40]}")
    return value


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
