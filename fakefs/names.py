"""Suggestions for a name that does not exist."""

from collections.abc import Iterable

#: Longest name that is compared with others, in characters: the comparison takes quadratic time.
LONGEST = 64


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message: '; did you mean A or B?', or nothing.

    Args:
        name: The name that does not exist.
        known: The names that exist.
    """
    # Imported for errors only: the import takes longer than parsing a correct policy.
    if len(name) > LONGEST:
        return ""
    from difflib import get_close_matches

    near = get_close_matches(name, sorted(set(known)), n=3, cutoff=0.7)
    return f"; did you mean {' or '.join(repr(one) for one in near)}?" if near else ""
