"""The option --report FORMAT=FILE of a command that has formats of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from harness import registry
from harness.errors import UsageError


def parse(texts: Sequence[str], formats: ModuleType) -> list[tuple[ModuleType, Path]]:
    """Parse the values of the option before anything is run.

    Args:
        texts: `FORMAT=FILE` each.
        formats: The package with the command's formats.

    Returns:
        For each, the format and the file.

    Raises:
        UsageError: A format is unknown, or a file could not be written.
    """
    found = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise UsageError(f"--report {text!r} is not FORMAT=FILE", f"formats: {', '.join(registry.names(formats))}")
        module = registry.chosen(formats, "format", name, "SUMMARY", "render")
        folder = Path(path).absolute().parent
        if not os.access(folder, os.W_OK | os.X_OK) or Path(path).is_dir():
            raise UsageError(f"--report {text}: no file can be written there", f"does {folder} exist, and is it yours?")
        found.append((module, Path(path)))
    return found
