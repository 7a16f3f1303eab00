"""Addresses of the kernel's symbols, as /proc/kallsyms shows them to root."""

from __future__ import annotations

import re
from collections.abc import Iterable

PATH = "/proc/kallsyms"


def addresses(text: bytes, names: Iterable[str]) -> dict[str, int]:
    """Find these symbols; those that are not there are left out.  Pure.

    The first of several symbols with one name counts: those of the kernel come before those of modules.
    """
    wanted = b"|".join(re.escape(name.encode()) for name in names)
    found: dict[str, int] = {}
    for match in re.finditer(rb"^([0-9a-f]+) \w (" + wanted + rb")(?:\t.*)?$", text, re.MULTILINE):
        found.setdefault(match[2].decode(), int(match[1], 16))
    return found
