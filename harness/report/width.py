"""The width of a text: COLUMNS, else the terminal's, else the format's own where there is no terminal."""

from __future__ import annotations

import os


def width_of_terminal(otherwise: int) -> int:
    """Find the width of the terminal that the user looks at.

    A pipe into a pager is no terminal, but its reader has one: then standard error or standard input still is it.

    Args:
        otherwise: Columns where there is no terminal.

    Returns:
        Columns: of COLUMNS where that is set, else of the terminal.
    """
    text = os.environ.get("COLUMNS", "")
    if text.isdecimal() and int(text) > 0:
        return int(text)
    for descriptor in (1, 2, 0):
        try:
            columns = os.get_terminal_size(descriptor).columns
        except OSError:
            continue
        if columns > 0:
            return columns
    return otherwise
