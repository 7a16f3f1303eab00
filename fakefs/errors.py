"""What fakefs raises on purpose. Libraries raise; __main__.py and ctl.py alone print and exit."""


class FakefsError(Exception):
    """Base of all errors below; its text is a sentence for a person."""


class PolicyError(FakefsError):
    """A policy that cannot be enforced as written. `problems` has ALL that is wrong, each with its place."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SetupError(FakefsError):
    """The machine or the command line does not allow what was asked: the text says what, where, what to do next."""

    def __init__(self, message: str, errno: int) -> None:
        super().__init__(message)
        self.errno = errno


class ControlError(FakefsError):
    """The server refused a command, or could not be asked."""


class ControlTimeoutError(ControlError):
    """The server did not answer in time, or what was waited for did not happen in time."""
