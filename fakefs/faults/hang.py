"""hang: never answers, until released."""

from fakefs.fault import Argument, Fault, Request


def strike(request: Request, _argument: Argument) -> None:
    request.hold(None)


FAULT = Fault(
    name="hang",
    summary="never answers; once released it carries on, or fails with the errno given at the release",
    strike=strike,
)
