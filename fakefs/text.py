"""Text of others made safe to show: names of files and tasks, values of a policy, messages of a server."""

#: Longest form of a value in an error message, in characters.
LONGEST = 80


def visible(text: str) -> str:
    """Text in which nothing controls a terminal: each character that is not printable is shown as an escape.

    A byte that is not UTF-8, which Python keeps as a surrogate, is shown as `\\xNN`. Newlines are escaped as well.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def _escape(one: str) -> str:
    number = ord(one)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return one.encode("unicode_escape").decode("ascii")


def shown(value: object) -> str:
    """The repr() of any value in at most `LONGEST` characters. Never raises."""
    if isinstance(value, str) and len(value) > LONGEST:
        value = value[:LONGEST]
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # A number of more than 4,300 digits, or lists within lists.
        return f"a value of type {type(value).__name__} that is too large to show"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
