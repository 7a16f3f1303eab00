"""Near names for a name that was not found."""

from collections.abc import Iterable

#: Longest name that is compared with others, in characters: the comparison takes quadratic time.
LONGEST = 64


def nearest(name: str, known: Iterable[str]) -> str:
    """'; did you mean A or B?', or nothing. For the end of an error message."""
    # Only when something is wrong: difflib costs more to import than a good policy to parse.
    if len(name) > LONGEST:
        return ""
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(set(known)), n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(repr(one) for one in near)}?" if near else ""
