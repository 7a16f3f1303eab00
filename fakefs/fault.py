"""The interface of a fault. The faults themselves are in faults/, one in each file."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from fakefs.calls import Call
from fakefs.record import record

Argument = float | int | str | None


class Request(Protocol):
    """The part of a request that a fault may use."""

    @property
    def call(self) -> Call: ...
    @property
    def arguments(self) -> tuple[Any, ...]: ...
    @property
    def mountpoint(self) -> str: ...
    def hold(self, seconds: float | None) -> None:
        """Wait until the request is released.

        Args:
            seconds: The longest wait; None waits without a limit.

        Raises:
            OSError: The request was released with this error.
        """

    def journal(self, event: str) -> None: ...


@record(frozen=True, slots=True)
class Reply:
    """An answer in place of the real operation's. `value` is what fusepy expects that operation to return."""

    value: object


def refuses_nothing(_operations: frozenset[str], _after: bool) -> Iterator[str]:
    """Accept every operation, before or after the real one."""
    return iter(())


@record(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    Attributes:
        name: The name in a rule; also the name of the fault's file.
        summary: One line for `--list-faults`.
        inject: Runs in the thread of the request, which holds no lock. It returns None to continue with the real
            operation, a Reply to answer without it, or raises OSError to answer with that error.
        metavar: The name of the argument in help texts; empty for a fault without an argument.
        parse: Turns the text of the argument into its value, or raises ValueError. None if the fault has no argument.
        show: Turns the value of the argument into text that `parse` accepts.
        refuses: Yields the reasons why a rule cannot work, from its operations and whether it fires after the real
            operation.
    """

    name: str
    summary: str
    inject: Callable[[Request, Argument], Reply | None]
    metavar: str = ""
    parse: Callable[[str], float | int | str] | None = None
    show: Callable[[Any], str] = str
    refuses: Callable[[frozenset[str], bool], Iterator[str]] = refuses_nothing
