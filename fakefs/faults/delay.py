"""delay: the server answers late. A release ends the delay early."""

import math

from fakefs.fault import Argument, Fault, Request
from fakefs.text import shown


def parse(text: str) -> float:
    """Seconds, from the text of the argument. Raises ValueError unless they are more than 0 and at most 1e9.

    The limit is less than the longest wait of a thread (threading.TIMEOUT_MAX, about 292 years).
    """
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is no number of seconds") from None
    if not math.isfinite(seconds) or not 0 < seconds <= 1e9:
        raise ValueError(f"{shown(text)}: seconds have to be more than 0 and at most 1e9")
    return seconds


def inject(request: Request, argument: Argument) -> None:
    request.hold(float(argument) if argument is not None else None)


FAULT = Fault(
    name="delay",
    summary="the server answers after that many seconds, or when the request is released",
    inject=inject,
    metavar="SECONDS",
    parse=parse,
    show=repr,
)
