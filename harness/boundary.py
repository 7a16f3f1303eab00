"""The outermost frame of every process of this program: what is raised becomes a message and an exit status.

An error is never a verdict.  So each command has statuses for errors that none of its answers has, and every process
that the program starts or forks runs its work through `status_of` or `contain`.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import NamedTuple, NoReturn

from harness import __version__
from harness.errors import BugError, FusezapError, Interrupted
from harness.model.printable import visible_lines

FRAMES = 24
"""Stack frames of a bug that are shown, the innermost."""


class Statuses(NamedTuple):
    """The exit statuses of a command that has no answer."""

    refused: int
    """Usage and environment: options, a full disk, no permission, no memory, a missing program, a closed output."""
    bug: int
    """A bug of fusezap's own."""


CHECK = Statuses(128, 255)
"""From 128 on, `git bisect run` stops; 1 to 127, but for 125, would call the commit bad."""
ANSWERS_2 = Statuses(3, 3)
"""Statuses of commands whose 2 means `cannot tell`."""
OTHERS = Statuses(2, 3)
_OF_COMMANDS = {"check": CHECK, **dict.fromkeys(("judge", "observe", "diagnose", "runtimes", "servers"), ANSWERS_2)}


def statuses(arguments: list[str]) -> Statuses:
    """Find the statuses for errors by the words of a command line.

    Args:
        arguments: the words after `fusezap`.

    Returns:
        The statuses of the command.  A line that misspells or misplaces `check` was meant for `git bisect run`, too.
    """
    first = arguments[0] if arguments else ""
    if first in _OF_COMMANDS:
        return _OF_COMMANDS[first]
    return CHECK if "check" in arguments or (first[:1].isalpha() and _resembles_check(first)) else OTHERS


def _resembles_check(word: str) -> bool:
    import difflib

    return bool(difflib.get_close_matches(word, ["check"], cutoff=0.7))


def status_of(work: Callable[[], int], errors: Statuses) -> int:
    """Run a command to its end, and turn whatever it raises into a message on stderr.

    Args:
        work: the command; its return value is its answer.
        errors: the statuses for errors.

    Returns:
        The answer of `work`, once everything that it printed has left this process; else one of `errors`, or 128 and
        the number of the signal that ended it.  Nothing is raised.
    """
    try:
        return _told(work, errors)
    except Interrupted as interrupted:  # while an error was told
        return 128 + interrupted.number
    except BaseException as error:  # in telling of one
        with contextlib.suppress(BaseException):
            os.write(2, f"fusezap: a bug of fusezap's own: {type(error).__name__}: {error}\n".encode())
        return errors.bug


def _told(work: Callable[[], int], errors: Statuses) -> int:
    try:
        status = _ended(work, errors)
        _flush()
    except Interrupted as interrupted:
        say(f"fusezap: ended by {signal.Signals(interrupted.number).name}; nothing is left behind")
        status = 128 + interrupted.number
    except KeyboardInterrupt:
        say("fusezap: ended by SIGINT")
        status = 128 + signal.SIGINT
    except BugError as error:
        say(f"fusezap: {error}\n{_report_it()}")
        status = errors.bug
    except FusezapError as error:
        say(f"fusezap: {error}")
        status = errors.refused
    except BrokenPipeError as error:
        say(f"fusezap: whoever read the output is gone: {_where(error)}")
        status = errors.refused
    except OSError as error:
        say(f"fusezap: {_described(error)}")
        status = errors.refused
    except MemoryError:
        say("fusezap: there is not enough memory; is it limited (`ulimit -v`)?")
        status = errors.refused
    except BaseException as error:
        say(bug_text(error))
        status = errors.bug
    return status


def _ended(work: Callable[[], int], errors: Statuses) -> int:
    """A library that ends the program is not to choose an answer: argparse ends it with 0 or as it was told to, a
    worker with 128 and the number of a signal, and rich with 1 where nobody reads the output any more."""
    try:
        return work()
    except SystemExit as end:
        status = end.code or 0
        if isinstance(status, int) and (status in (0, errors.refused) or status >= 128):
            return status
        if isinstance(end.__context__, OSError):
            raise end.__context__ from None
        raise FusezapError(f"ended: {status}") from end


def contain(work: Callable[[], object], errors: Statuses = OTHERS, prints: bool = False) -> NoReturn:
    """Run the work of a forked child and end the process: no frame of the parent may run on in the child.

    Args:
        work: what the child does; an integer that it returns is the exit status, anything else is 0.
        errors: as for `status_of`.
        prints: the child's standard output is the command's.  Else nothing is printed there: not what the parent had
            in its buffer when it forked, either.
    """
    if not prints:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115

    def done() -> int:
        result = work()
        return result if isinstance(result, int) else 0

    os._exit(status_of(done, errors))


def finish(status: int) -> NoReturn:
    """End the process at once: every clean-up is a context manager and has run.

    Taking the interpreter apart would only cost time, some 30 ms of a command of 200, and would try again to write what
    stdout did not take.
    """
    os._exit(status)


def open_streams() -> None:
    """Make the standard streams usable, whatever the caller has closed and whatever the locale is.

    A closed descriptor 0, 1 or 2 would be taken by the first file that is opened, and prints would go there.  Standard
    output in its place is a descriptor that cannot be written to: to print is an error then, and never silent.
    """
    for fd, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened != fd:
                os.dup2(opened, fd)
                os.close(opened)
    codecs.register_error("fusezap.escape", _json_escaped)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", errors="fusezap.escape", closefd=False)  # noqa: SIM115
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="fusezap.escape")
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _json_escaped(error: UnicodeError) -> tuple[str, int]:
    """Escape characters that the locale's encoding lacks as JSON does: a document in an ASCII locale still parses."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end


def _flush() -> None:
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        raise OSError(error.errno, f"standard output cannot be written: {error.strerror}") from error


def say(text: str) -> None:
    """Print a message to stderr.  That nobody may listen there is no error.

    Args:
        text: what to print, of any number of lines; what a terminal would obey is made visible.
    """
    try:
        print(visible_lines(text), file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError, MemoryError):
        return


def _described(error: OSError) -> str:
    """Describe an error with its file or, without one, with the line of our code."""
    if error.filename is None:
        return f"{error.strerror or error} ({_where(error)})"
    other = f" and {_name(error.filename2)}" if error.filename2 is not None else ""
    return f"{error.strerror}: {_name(error.filename)}{other}"


def _name(file: object) -> str:
    return os.fsdecode(file) if isinstance(file, (str, bytes, os.PathLike)) else str(file)


def _where(error: BaseException) -> str:
    """The innermost line of the program in the traceback."""
    found = "in an unknown place"
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if f"{os.sep}harness{os.sep}" in file or f"{os.sep}fakefs{os.sep}" in file:
            found = f"line {trace.tb_lineno} of {os.path.basename(os.path.dirname(file))}/{os.path.basename(file)}"
        trace = trace.tb_next
    return found


def bug_text(error: BaseException) -> str:
    """Write what to report of an exception that nobody expected: what, where, and how.

    Args:
        error: the exception, as it was caught.

    Returns:
        Lines for stderr or a log, without an end of line.
    """
    try:
        import traceback

        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__, limit=-FRAMES)).rstrip()
    except BaseException:  # such as not enough memory for it
        trace = f"{type(error).__name__} {_where(error)}"
    return f"{trace}\nfusezap: this is a bug of fusezap's own: {type(error).__name__}, {_where(error)}\n{_report_it()}"


def _report_it() -> str:
    kernel = os.uname()
    return (
        "Please report it to the maintainers of fusezap with all of the text above and the command: "
        f"fusezap {__version__}, Python {sys.version.split()[0]}, {kernel.sysname} {kernel.release} {kernel.machine}"
    )
