"""Near names for a name that was not found."""

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean A or B?', or nothing. For the end of an error message."""
    # Only when something is wrong: difflib costs more to import than a good policy to parse.
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(set(known)), n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(repr(one) for one in near)}?" if near else ""
