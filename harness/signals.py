"""A signal that asks us to end becomes an exception, so that every clean-up on the way out runs."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

from harness.errors import Interrupted

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def take_signals() -> None:
    """Raise Interrupted at the first SIGINT, SIGTERM or SIGHUP, and ignore those that follow."""
    for number in _ENDING:
        signal.signal(number, _interrupt)


def ignore_signals() -> None:
    """Ignore the signals that ask us to end: the exit status is known, and the process is about to end."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    ignore_signals()  # one is enough; a second must not break the clean-up
    raise Interrupted(number)
