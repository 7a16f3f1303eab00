"""Every reader of foreign data: whatever it is given, it reads it or refuses it, quickly and in little memory."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.readers import CORPUS, READERS, check

FOUND = [(folder.name, path) for folder in sorted(CORPUS.iterdir()) for path in sorted(folder.iterdir())]
SECONDS = 1.0
"""Seconds of a processor for one input."""


@pytest.mark.parametrize("name", READERS)
@given(number=st.integers(0, (1 << 32) - 1), other=st.none() | st.binary(max_size=200))
def test_any_input(name: str, number: int, other: bytes | None) -> None:
    """One choice a test in place of one a byte: Hypothesis takes longer to choose than the readers to read."""
    choose = random.Random(number)
    data = mutated(choose.choice(READERS[name].seeds), choose) if other is None else other
    began = time.process_time()
    check(name, data)
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("name", READERS)
def test_what_is_usual_is_read(name: str) -> None:
    """Else the mutations would be of what is refused at its first byte."""
    if name in ("container", "cpio", "owner", "spec", "events"):
        check(name, READERS[name].seeds[0])
        return
    for seed in READERS[name].seeds:
        READERS[name].read(seed)


@pytest.mark.parametrize(("name", "path"), FOUND, ids=lambda each: str(getattr(each, "name", each)))
def test_what_once_broke_it(name: str, path: object) -> None:
    check(name, path.read_bytes())  # type: ignore[attr-defined]
