"""What a fault is. The faults themselves are in faults/, one a file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from fakefs.calls import Call

Argument = float | int | str | None


class Request(Protocol):
    """The side of a request that a fault may touch."""

    @property
    def call(self) -> Call: ...
    @property
    def arguments(self) -> tuple[Any, ...]: ...
    @property
    def mountpoint(self) -> str: ...
    def hold(self, seconds: float | None) -> None:
        """Wait until released, or for that long; raises OSError if it was released with an errno."""

    def journal(self, event: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer given in place of the real operation's; `value` is what fusepy expects of that operation."""

    value: object


def refuses_nothing(_operations: frozenset[str], _after: bool) -> Iterator[str]:
    """Every operation, before or after."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave.

    `strike` runs in the thread of the request, without any lock held. It returns None to carry on, a Reply to answer
    without the real operation, or raises OSError to answer with that error. `parse` turns the argument's text into a
    value, or raises ValueError; a fault without `parse` takes no argument. `refuses` yields why a rule with these
    operations, after the real operation or before, could not work.
    """

    name: str
    summary: str
    strike: Callable[[Request, Argument], Reply | None]
    metavar: str = ""
    parse: Callable[[str], float | int | str] | None = None
    show: Callable[[Any], str] = str
    refuses: Callable[[frozenset[str], bool], Iterator[str]] = refuses_nothing
