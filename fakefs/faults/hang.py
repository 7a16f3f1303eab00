"""hang: the server does not answer until the request is released."""

from fakefs.fault import Argument, Fault, Request


def inject(request: Request, _argument: Argument) -> None:
    request.hold(None)


FAULT = Fault(
    name="hang",
    summary="the server does not answer until the request is released, with an error if the release gives one",
    inject=inject,
)
