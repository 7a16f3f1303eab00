"""The outermost layer of each program of fakefs: what it writes, and its exit status when something fails.

It imports little beyond what every interpreter has loaded: `fakefs.hold` and `fakefs.act` have to start fast.
"""

import os
import sys
from collections.abc import Callable, Sequence

from fakefs.text import visible

#: Success; an error in the command line, a file or the machine; a defect of fakefs.
OK, REFUSED, BUG = 0, 2, 3

#: The status that a shell shows for a process that SIGINT ended.
INTERRUPTED = 130


class OutputError(Exception):
    """Stdout cannot be written to."""


def write(text: str) -> None:
    """Write a line to stdout. Raises OutputError."""
    if sys.stdout is None:
        # Descriptor 1 is closed. print() would write nothing and report no error.
        raise OutputError("is closed")
    try:
        sys.stdout.write(_encodable(text + "\n", sys.stdout.encoding))
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from None


def complain(text: str) -> None:
    """Write lines to stderr, if there is one that can be written to."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write("".join(f"{visible(line)}\n" for line in text.split("\n")))
        sys.stderr.flush()
    except OSError:
        return


def run(name: str, main: Callable[[list[str]], int], argv: Sequence[str] | None = None) -> int:
    """Run a program and report whatever it raises.

    Args:
        name: The program's name, which begins each line on stderr.
        main: Takes the arguments and returns the exit status.
        argv: The arguments, by default those of the process.

    Returns:
        The status of `main`; `REFUSED` if the machine or stdout stands in the way; `BUG` for any other exception.
    """
    try:
        status = main(list(sys.argv[1:] if argv is None else argv))
        _flush()
    except OutputError as error:
        complain(f"{name}: stdout: {error}")
        _forget_stdout()
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        complain(f"{name}: out of memory")
        return REFUSED
    except OSError as error:
        complain(f"{name}: {error}")
        return REFUSED
    except Exception as error:
        if "can't start new thread" in str(error):
            complain(f"{name}: {error}: a limit of processes or of memory is reached (ulimit -u, ulimit -v)")
            return REFUSED
        import traceback

        complain("".join(traceback.format_exception(error)).rstrip())
        complain(f"{name}: this is a defect of fakefs; please report it with the lines above and the command line")
        return BUG
    return status


def _encodable(text: str, encoding: str) -> str:
    """The text with escapes for characters that stdout cannot encode."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _flush() -> None:
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError as error:
            raise OutputError(error.strerror or str(error)) from None


def _forget_stdout() -> None:
    """Make the interpreter's flush at its exit succeed; if it failed, the exit status would be 120."""
    if sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
