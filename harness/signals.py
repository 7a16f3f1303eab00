"""A signal that asks us to end becomes an exception, so that every clean-up on the way out runs."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

from harness.errors import Interrupted

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def take_signals() -> None:
    for number in _ENDING:
        signal.signal(number, _interrupt)


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    for each in _ENDING:
        signal.signal(each, signal.SIG_IGN)  # one is enough; a second must not break the clean-up
    raise Interrupted(number)
