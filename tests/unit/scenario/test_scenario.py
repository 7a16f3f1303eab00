"""Choosing scenarios by name."""

from __future__ import annotations

import pytest

from harness import catalogue
from harness.errors import UsageError


def test_the_catalogue_has_what_the_first_release_promises() -> None:
    promised = {"exit-flush-self", "exit-flush-peer-outside", "flush-delayed", "healthy", "server-stopped"}
    assert promised <= catalogue.catalogue().keys()


def test_find_keeps_the_order_asked_for() -> None:
    assert [each.name for each in catalogue.find(("healthy", "exit-flush-self"))] == ["healthy", "exit-flush-self"]
    assert catalogue.find(()) == ()


def test_every_unknown_name_is_listed_with_three_names_near_it() -> None:
    with pytest.raises(UsageError) as caught:
        catalogue.find(("exit-flush", "healthy", "helthy", "zzz"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("unknown scenario 'exit-flush'; near: ")
    near = lines[0].partition("near: ")[2].split(", ")
    assert "exit-flush-self" in near
    assert len(near) == 3
    assert lines[1] == "unknown scenario 'helthy'; near: healthy"
    assert lines[2] == "unknown scenario 'zzz'"
    assert lines[3] == "`fusezap list` shows them all"
