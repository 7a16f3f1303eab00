"""Births as the kernel reports them, on this kernel and as bytes."""

from __future__ import annotations

import os
import struct
import subprocess

import pytest

from harness.linux.births import Birth, Births, parse
from tests.conftest import require


def report(what: int, *numbers: int) -> bytes:
    head = struct.pack("=IHHII", 0, 3, 0, 0, 0) + struct.pack("=IIIIHH", 1, 1, 0, 0, 40, 0)
    return head + struct.pack("=IIQ", what, 0, 7) + struct.pack("=IIII", *numbers) + bytes(8)


def test_a_fork_is_a_birth_and_nothing_else_is() -> None:
    assert parse(report(1, 10, 10, 20, 20)) == Birth(7, 10, 20)
    assert parse(report(1, 11, 10, 20, 20)) == Birth(7, 10, 20), "of its parent's thread"
    assert parse(report(1, 10, 10, 21, 20)) is None, "a new thread"
    assert parse(report(2, 10, 10, 20, 20)) is None, "an execve()"
    assert parse(b"") is None


def test_a_child_is_reported_with_its_parent() -> None:
    require(root=True)
    births = Births.listen()
    if births is None:
        pytest.skip("missing: CONFIG_PROC_EVENTS, or the initial namespaces")
    with births:
        child = subprocess.Popen(["true"])
        found = births.since()
        assert found is not None
        assert (os.getpid(), child.pid) in [(each.parent, each.pid) for each in found]
        child.wait()
        assert child.pid not in [each.pid for each in births.since() or ()]
