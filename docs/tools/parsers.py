"""The argument parsers of the commands, for the reference pages and the test of every command line shown."""

from __future__ import annotations

import argparse

from harness import commands, registry


def names() -> tuple[str, ...]:
    """The commands of `fusezap`, in alphabetical order."""
    return registry.names(commands)


def one_line(name: str) -> str:
    """The line of `fusezap --help` about a command."""
    return registry.text(commands, name, "HELP")


def parser(name: str, kind: type[argparse.ArgumentParser] = argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser of one command, as an object of the class `kind`."""
    module = registry.module(commands, name, "HELP", "DESCRIPTION", "arguments", "execute")
    made = kind(prog=f"fusezap {name}", description=module.DESCRIPTION)
    module.arguments(made)
    return made
