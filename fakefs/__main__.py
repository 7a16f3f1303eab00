"""`python -m fakefs MOUNTPOINT`: the command line of the server."""

import sys
from collections.abc import Sequence

from fakefs.errors import FakefsError, SetupError
from fakefs.notify import notify, one_line
from fakefs.options import HELP, Options, UsageError, parse
from fakefs.program import OK, REFUSED, complain, run, write


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments without the program's name, by default those of the process.

    Returns:
        The exit status: 0; 2 if the command line, the policy or the machine does not allow it; 3 for a defect of
        fakefs.
    """
    return run("fakefs", command, argv)


def command(argv: list[str]) -> int:
    try:
        options = parse(argv)
    except UsageError as error:
        refuse(error)
        complain("fakefs: nothing was mounted; `python -m fakefs --help` lists the options")
        return REFUSED
    if options.show == "help":
        write(HELP.rstrip("\n"))
    elif options.show == "faults":
        write_faults()
    elif options.show == "operations":
        write_operations()
    elif options.show == "version":
        return write_version()
    else:
        return serve(options)
    return OK


def write_faults() -> None:
    from fakefs.faults import FAULTS

    for fault in FAULTS.values():
        write(f"{fault.name + ('=' + fault.metavar if fault.metavar else ''):16}{fault.summary}")


def write_operations() -> None:
    from fakefs.calls import OPERATIONS

    for name, words in OPERATIONS.items():
        write(f"{name:14}{words}")


def write_version() -> int:
    """The version of the package, of the binding to libfuse, and of libfuse itself."""
    from importlib import metadata

    from fakefs import binding

    try:
        write(f"fakefs {metadata.version('fusezap')}")
    except metadata.PackageNotFoundError:
        write("fakefs (version unknown: fusezap is not installed)")
    try:
        write(binding.load().describe())
    except SetupError as error:
        return refuse(error)
    return OK


def refuse(error: FakefsError) -> int:
    """Report each line of the error."""
    for line in str(error).split("\n"):
        complain(f"fakefs: {line}")
    return REFUSED


def serve(options: Options) -> int:
    from fakefs.run import Run

    try:
        Run(options).serve()
    except FakefsError as error:
        refuse(error)
        number = error.errno if isinstance(error, SetupError) else 0
        try:
            notify(f"ERRNO={number}", f"STATUS={one_line(str(error))}")
        except OSError as failure:
            complain(f"fakefs: NOTIFY_SOCKET: {failure}")
        return REFUSED
    return OK


if __name__ == "__main__":
    sys.exit(main())
