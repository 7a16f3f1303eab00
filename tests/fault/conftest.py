"""Fault tests kill our own parts half way; what is left after that is counted by the same rules as in tests/live."""

from __future__ import annotations

from tests.live.conftest import fusezap, machine, nothing_left

__all__ = ["fusezap", "machine", "nothing_left"]
