"""Types for argparse: numbers that make sense, and never NaN or infinity."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def seconds(least: float, most: float = 86400) -> Callable[[str], float]:
    """Make a type for an option that takes a time.

    Args:
        least: the shortest time, in seconds.
        most: the longest.

    Returns:
        A function that argparse calls with the option's text.
    """

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from None
        if not least <= value <= most:  # false for NaN
            raise argparse.ArgumentTypeError(f"between {least:g} and {most:g} seconds")
        return value

    return parse


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(least: float, most: float = 86400 * 365) -> Callable[[str], float]:
    """Make a type for an option that takes a duration: seconds, or a number with the unit s, m, h or d.

    Args:
        least: the shortest, in seconds.
        most: the longest.

    Returns:
        A function that argparse calls with the option's text.
    """
    of_seconds = seconds(least, most)

    def parse(text: str) -> float:
        unit = _UNITS.get(text[-1:])
        if unit is None:
            return of_seconds(text)
        try:
            return of_seconds(str(float(text[:-1]) * unit))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no duration, such as 30, 30s, 5m, 2h or 1d") from None

    return parse
