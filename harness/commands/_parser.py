"""The argument parser of a command: an error ends with the status that this command has for errors."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from harness.model.printable import visible_lines


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors have the exit status of the command's errors, which is 2 for some only.

    Args:
        refused: The exit status for words that are not understood.
        settings: As for `argparse.ArgumentParser`.
    """

    def __init__(self, refused: int, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **settings)
        self._refused = refused

    def error(self, message: str) -> NoReturn:
        """Prints the usage and the message to stderr, and ends the command."""
        self.print_usage(sys.stderr)
        self.exit(self._refused, visible_lines(f"{self.prog}: error: {message}") + "\n")
