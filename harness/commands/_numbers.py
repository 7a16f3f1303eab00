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
