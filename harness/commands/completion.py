"""`fusezap completion SHELL`: the completion script of a shell."""

from __future__ import annotations

import argparse

from harness import catalogue, commands, registry

SHELLS = ("bash", "zsh", "fish")
PROGRAMS = ("fusezap", "fakefs")
HELP = "print a completion script for bash, zsh or fish"
DESCRIPTION = """\
Prints a script that completes commands, options and scenarios.

  bash   fusezap completion bash > ~/.local/share/bash-completion/completions/fusezap
  zsh    fusezap completion zsh > DIR/_fusezap, DIR being one of $fpath
  fish   fusezap completion fish > ~/.config/fish/completions/fusezap.fish
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)
    parser.add_argument("--of", choices=PROGRAMS, default=PROGRAMS[0], help=f"which program; default: {PROGRAMS[0]}")


def execute(args: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(_fakefs() if args.of == "fakefs" else _fusezap(), args.shell))
    return 0


def _fusezap() -> argparse.ArgumentParser:
    """All commands as one parser: `fusezap` itself builds only that of the command that is typed."""
    parser = argparse.ArgumentParser("fusezap")
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    subparsers = parser.add_subparsers()
    for name in registry.names(commands):
        module = registry.module(commands, name, "HELP", "arguments")
        one = subparsers.add_parser(name, help=module.HELP)
        module.arguments(one)
        for action in one._actions:
            if action.dest in ("scenario", "scenarios") and not action.option_strings:
                action.choices = tuple(catalogue.catalogue())
    return parser


def _fakefs() -> argparse.ArgumentParser:
    """The options of fakefs as an argparse parser: fakefs reads them itself, for its start is measured."""
    from fakefs.options import FLAGS, SHORT, VALUES

    short = {name: letter for letter, name in SHORT.items()}
    parser = argparse.ArgumentParser("fakefs", add_help=False)
    for name in VALUES:
        parser.add_argument(*filter(None, (short.get(name), name)), metavar=name.removeprefix("--").upper())
    for name in FLAGS:
        parser.add_argument(*filter(None, (short.get(name), name)), action="store_true")
    parser.add_argument("mountpoint")
    return parser
