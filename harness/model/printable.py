"""Text from outside, made fit to be shown: names of tasks, mounts, groups and containers, what kernels and guests say.

Whoever chooses such a name must not be able to move the cursor, to hide or to reorder text, or to add a line.
"""

from __future__ import annotations


def visible(text: str) -> str:
    """Replace every character that a terminal would obey instead of showing it by its escape sequence.

    `str.isprintable()` is false for the categories Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs (but for the blank): control
    characters (U+0085 and the other C1 codes too), bidirectional controls, zero-width characters, line and paragraph
    separators, and lone surrogates, by which Python carries bytes that are no UTF-8.

    Args:
        text: any text.

    Returns:
        The text in one line, in which only printable characters are left.
    """
    return text if text.isprintable() else "".join(each if each.isprintable() else escaped(each) for each in text)


def visible_lines(text: str) -> str:
    """Do the same with each line of a text that may have several.

    Args:
        text: any text; only a newline ends a line.

    Returns:
        The text with its newlines.
    """
    return "\n".join(map(visible, text.split("\n")))


def escaped(character: str) -> str:
    """Write one character as Python and JSON do in their strings: `\\x1b`, `\\u202e`, `\\U000e0001`."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
