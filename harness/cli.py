"""The command line: finds the command and gives its exit status; `boundary` gives that of errors.

Exit statuses below 2 are the command's own answer, and 2 is one of judge, diagnose and runtimes.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import NoReturn

from harness import __version__, boundary, commands, registry
from harness.errors import FusezapError, Interrupted
from harness.signals import ignore_signals, take_signals

USAGE = "usage: fusezap COMMAND [OPTIONS]"
DESCRIPTION = """\
Makes the hang of a PID namespace that waits for its own dead FUSE server, watches its form, proves it a deadlock,
resolves it, and leaves nothing behind."""
OPTIONS = """\
options:
  -h, --help  show this help message and exit
  --version   show the version and exit
"""
EXAMPLES = """\
examples:
  fusezap run                          make the hang, prove it, resolve it
  fusezap run --format json            the same as one JSON document
  fusezap run --keep                   leave the hang to look at
  fusezap check && echo free           does this kernel have the defect?
  fusezap check exit-flush-self        0 free, 1 has it, 125 cannot tell: a bisect step's last command
  fusezap check --kernel debian:sid    the same of another kernel, in a virtual machine
  fusezap list                         the scenarios
  fusezap clean                        remove what a killed run left
  fusezap judge DIR/snapshots.json     judge a recorded hang again
  fusezap observe PID --out FILE       record a namespace that somebody else made, for judge
"""


def main(argv: list[str] | None = None) -> NoReturn:
    """Run a command in this process; SystemExit has its status.

    Args:
        argv: the words after `fusezap`; those of this process where it is left out.
    """
    sys.exit(status(sys.argv[1:] if argv is None else argv))


def status(arguments: list[str]) -> int:
    """Run a command in this process.

    Args:
        arguments: the words after `fusezap`.

    Returns:
        Its exit status; nothing is raised.
    """
    errors = boundary.statuses(arguments)

    def command() -> int:
        boundary.open_streams()
        take_signals()
        return _command(arguments, errors)

    try:
        found = boundary.status_of(command, errors)
        ignore_signals()
    except Interrupted as interrupted:  # just after the end
        found = 128 + interrupted.number
    return found


def _load(name: str) -> ModuleType:
    return registry.module(commands, name, "HELP", "DESCRIPTION", "arguments", "execute")


def _command(argv: list[str], errors: boundary.Statuses) -> int:
    """Only the command that is asked for is imported: the others would cost start-up time."""
    names = registry.names(commands)
    if argv and argv[0] in names:
        from harness.commands._parser import Parser

        module = _load(argv[0])
        parser = Parser(
            errors.refused,
            prog=f"fusezap {argv[0]}",
            description=module.DESCRIPTION,
            epilog=module.epilog() if hasattr(module, "epilog") and {"-h", "--help"} & set(argv) else None,
        )
        module.arguments(parser)
        args, unknown = parser.parse_known_args(argv[1:])
        if unknown and not getattr(module, "PASSES_ON", False):
            parser.error(f"unknown arguments: {' '.join(unknown)}")
        args.passed_on = unknown
        answer: int = module.execute(args)
        return answer
    if argv and not argv[0].startswith("-"):
        import difflib

        near = difflib.get_close_matches(argv[0], names, n=3)
        hint = f"near: {', '.join(near)}" if near else f"there are: {', '.join(names)}"
        raise FusezapError(f"unknown command {argv[0]!r}", hint)
    return _overview(argv, names, errors)


def _overview(argv: list[str], names: tuple[str, ...], errors: boundary.Statuses) -> int:
    """Answers `--version` and `--help` without argparse and without importing the commands: both are typed often."""
    wrong = [word for word in argv if word not in ("-h", "--help", "--version")]
    if wrong:
        boundary.say(f"{USAGE}\nfusezap: error: unknown arguments: {' '.join(wrong)}")
        return errors.refused
    if argv and argv[0] == "--version":
        print(f"fusezap {__version__}")
        return 0
    lines = "\n".join(f"  {name:<10} {registry.text(commands, name, 'HELP')}" for name in names)
    print(f"{USAGE}\n\n{DESCRIPTION}\n\n{OPTIONS}\ncommands (each has --help):\n{lines}\n\n{EXAMPLES}", end="")
    return 0 if argv else errors.refused
