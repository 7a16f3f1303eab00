"""The version of a server, and of the library by which it speaks FUSE."""

from __future__ import annotations

import os
import re
import subprocess

_BOUND_S = 10.0
_LIBRARY = re.compile(r"(libfuse\d?)\.so\.\d+ => (\S+)")
_NUMBER = re.compile(r"\d+\.\d+[\w.+~-]*")
_OF_THE_LIBRARY = re.compile(r"(?i)^(?:fuse|libfuse|fusermount\d?|using fuse)\b(?!-)")


def parse_ldd(text: str) -> tuple[str, str] | None:
    """(name, path) of the libfuse in the output of ldd(1); None where there is none."""
    found = _LIBRARY.search(text)
    return (found[1], found[2]) if found else None


def version_in(text: str) -> str:
    """The first thing in a program's words that looks like a version, but for libfuse's own; empty if nothing does."""
    lines = [line for line in text.split("\n") if not _OF_THE_LIBRARY.match(line)]
    found = _NUMBER.search("\n".join(lines))
    return found[0].rstrip(".") if found else ""


def of_program(path: str) -> str:
    """The libfuse that a program is linked with, with its version: `libfuse3 3.14.0`; else empty.

    The library's file has the whole version in its name, to which the name that programs know is a link.
    """
    found = parse_ldd(_output(("ldd", path)))
    return "" if found is None else f"{found[0]} {os.path.realpath(found[1]).partition('.so.')[2]}"


def version(path: str, option: str, package: str) -> str:
    """The version that a program prints, or without an option for that, the one of its Debian package."""
    if option:
        return version_in(_output((path, option)))
    return version_in(_output(("dpkg-query", "-W", "-f", "${Version}", package)))


def _output(argv: tuple[str, ...]) -> str:
    """The text that a command writes, on either stream: some print their version as if it were an error."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_BOUND_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr
