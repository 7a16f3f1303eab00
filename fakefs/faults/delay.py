"""delay: answers late. A release ends the wait early."""

import math

from fakefs.fault import Argument, Fault, Request
from fakefs.text import shown


def parse(text: str) -> float:
    """Seconds, more than 0; at most what a thread can wait for (threading.TIMEOUT_MAX is about 292 years)."""
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is no number of seconds") from None
    if not math.isfinite(seconds) or not 0 < seconds <= 1e9:
        raise ValueError(f"{shown(text)}: seconds have to be more than 0 and at most 1e9")
    return seconds


def strike(request: Request, argument: Argument) -> None:
    request.hold(float(argument) if argument is not None else None)


FAULT = Fault(
    name="delay",
    summary="answers after that many seconds, or when released",
    strike=strike,
    metavar="SECONDS",
    parse=parse,
    show=repr,
)
