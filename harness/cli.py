"""The command line: finds the command, turns exceptions into messages and exit codes.

Exit codes 0 and 1 are the command's own answer; 2 is usage or environment; 130, 143 and 129 are Ctrl-C, SIGTERM and
SIGHUP.
"""

from __future__ import annotations

import argparse
import difflib
import os
import signal
import sys
from types import ModuleType
from typing import NoReturn

from harness import __version__, commands, registry
from harness.errors import FusezapError, Interrupted
from harness.signals import take_signals

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
    take_signals()
    status = 2
    try:
        status = _command(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except Interrupted as interrupted:
        status = 128 + interrupted.number
        _say(f"fusezap: ended by {signal.Signals(interrupted.number).name}; nothing is left behind")
    except BrokenPipeError:
        status = 1
    except (FusezapError, OSError) as error:
        _say(f"fusezap: {error}")
    # What stdout could not take must not be tried again when the interpreter ends.
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1) if status else None
    sys.exit(status)


def _say(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except OSError:
        return  # nobody listens there either


def _load(name: str) -> ModuleType:
    return registry.module(commands, name, "HELP", "DESCRIPTION", "arguments", "execute")


def _command(argv: list[str]) -> int:
    """Only the command that is asked for is imported: the others would cost start-up time."""
    names = registry.names(commands)
    if argv and argv[0] in names:
        module = _load(argv[0])
        parser = argparse.ArgumentParser(
            prog=f"fusezap {argv[0]}",
            description=module.DESCRIPTION,
            epilog=module.epilog() if hasattr(module, "epilog") and {"-h", "--help"} & set(argv) else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.arguments(parser)
        args, unknown = parser.parse_known_args(argv[1:])
        if unknown and not getattr(module, "PASSES_ON", False):
            parser.error(f"unknown arguments: {' '.join(unknown)}")
        args.passed_on = unknown
        status: int = module.execute(args)
        return status
    if argv and not argv[0].startswith("-"):
        near = difflib.get_close_matches(argv[0], names, n=3)
        hint = f"near: {', '.join(near)}" if near else f"there are: {', '.join(names)}"
        raise FusezapError(f"unknown command {argv[0]!r}", hint)
    return _overview(argv, names)


def _overview(argv: list[str], names: tuple[str, ...]) -> int:
    lines = "\n".join(f"  {name:<10} {_load(name).HELP}" for name in names)
    parser = argparse.ArgumentParser(
        prog="fusezap",
        usage="fusezap COMMAND [OPTIONS]",
        description="Makes the hang of a PID namespace that waits for its own dead FUSE server, watches its form, "
        "proves it a deadlock, resolves it, and leaves nothing behind.",
        epilog=f"commands (each has --help):\n{lines}\n\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"fusezap {__version__}")
    parser.parse_args(argv)
    parser.print_help()
    return 0 if argv else 2
