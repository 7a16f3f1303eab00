"""`python -m fakefs MOUNTPOINT`: the command line. The only file of the server that prints and exits."""

import sys
from collections.abc import Sequence

from fakefs.errors import FakefsError, SetupError
from fakefs.notify import notify, one_line
from fakefs.options import HELP, Options, UsageError, parse

#: What the shell and the caller see: all went well; the command line, the policy or the machine does not allow it.
OK, REFUSED = 0, 2


def main(argv: Sequence[str] | None = None) -> int:
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        for problem in error.problems:
            print(f"fakefs: {problem}", file=sys.stderr)
        print("fakefs: nothing was mounted; `python -m fakefs --help` shows how", file=sys.stderr)
        return REFUSED
    if options.show == "help":
        print(HELP, end="")
    elif options.show == "faults":
        show_faults()
    elif options.show == "operations":
        show_operations()
    elif options.show == "version":
        return show_version()
    else:
        return serve(options)
    return OK


def show_faults() -> None:
    from fakefs.faults import FAULTS

    for fault in FAULTS.values():
        print(f"{fault.name + ('=' + fault.metavar if fault.metavar else ''):16}{fault.summary}")


def show_operations() -> None:
    from fakefs.calls import OPERATIONS

    for name, words in OPERATIONS.items():
        print(f"{name:14}{words}")


def show_version() -> int:
    """The version of the package, of the binding to libfuse, and of libfuse itself."""
    from importlib import metadata

    from fakefs import binding

    try:
        print(f"fakefs {metadata.version('fusezap')}")
    except metadata.PackageNotFoundError:
        print("fakefs (version unknown: fusezap is not installed)")
    try:
        print(binding.load().describe())
    except SetupError as error:
        return refuse(error)
    return OK


def refuse(error: FakefsError) -> int:
    for line in str(error).split("\n"):
        print(f"fakefs: {line}", file=sys.stderr)
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
            print(f"fakefs: NOTIFY_SOCKET: {failure}", file=sys.stderr)
        return REFUSED
    return OK


if __name__ == "__main__":
    sys.exit(main())
