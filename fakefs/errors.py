"""The exceptions of fakefs. Its modules raise them; only the programs (__main__, ctl, hold, act) print and exit."""


class FakefsError(Exception):
    """Base class of the exceptions below. The text is a sentence for people."""


class PolicyError(FakefsError):
    """A policy cannot be enforced as it is written.

    Attributes:
        problems: Every problem, each with its place in the policy.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SetupError(FakefsError):
    """The machine or the command line does not allow the mount. The text says why, where, and what to do next.

    Attributes:
        errno: The error number of the system call that failed; 0 if none did.
    """

    def __init__(self, message: str, errno: int) -> None:
        super().__init__(message)
        self.errno = errno


class ControlError(FakefsError):
    """The server refused a command, or cannot be reached."""


class ControlTimeoutError(ControlError):
    """The server did not answer in time, or the journal did not get the entries in time."""
