"""No path of the machine it was written on, and no host that it would have to reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.meta.tree import files, relative

FORBIDDEN = {
    "a path of one machine": re.compile(r"/(?:work|home/\w+|Users)/"),
    "an address of a host": re.compile(
        r"\bhttps?://(?!json-schema\.org/|(?:www\.)?(?:gnu|fsf)\.org/|127\.0\.0\.1[:/])"
    ),
    "a secret": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{30}"),
    "a mark of unfinished work": re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"),
}
ADDRESSES = "harness/kernels/archives.py"
"""The one file with the addresses of public archives; each gives way to an environment variable."""
TEXTS = [path for path in files() if path.suffix not in (".gz", ".xz", ".png") and path != Path(__file__)]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_has(what: str) -> None:
    found = [
        f"{relative(path)}:{number}: {match[0]}"
        for path in TEXTS
        if (what, relative(path)) != ("an address of a host", ADDRESSES)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if (match := FORBIDDEN[what].search(line))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of one machine", f"see /{'work'}/x"),
        ("an address of a host", "https://registry.invalid/simple"),
        ("a secret", "-----BEGIN RSA PRIVATE KEY-----"),
        ("a mark of unfinished work", "# TODO: later"),
    ],
)
def test_it_would_be_found(what: str, text: str) -> None:
    assert FORBIDDEN[what].search(text)
