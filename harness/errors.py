"""Errors that end a command.  Libraries raise them; `cli` turns them into one message and an exit code."""

from __future__ import annotations


class FusezapError(Exception):
    """Says what went wrong, where, and what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)


class Interrupted(BaseException):
    """A signal asked us to end: every clean-up on the way out runs."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class BugError(FusezapError):
    """Another process of this program met a bug of its own, and told what."""


class KernelError(FusezapError):
    """The kernel under test cannot do it: neither the command nor this machine is at fault."""


class UsageError(FusezapError):
    """The words of the command are off."""


class MachineError(FusezapError):
    """This machine does not allow what is needed."""


class LaunchError(FusezapError):
    """The scenario could not be armed."""


class GuardError(FusezapError):
    """The guard is gone or could not do its part."""
