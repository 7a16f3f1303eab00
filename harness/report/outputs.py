"""Writes a report to standard output and to files, each in its format."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TextIO

from harness import __version__, registry
from harness.errors import UsageError
from harness.files import opened_anew, replace_file
from harness.model.events import Counted
from harness.record import record

if TYPE_CHECKING:
    from harness.model.events import Event
    from harness.model.records import Report, Series

STREAMED = "jsonl"
"""The one format that is written while the runs go on."""


def formats() -> tuple[str, ...]:
    """List the names of the formats."""
    return registry.names(_package())


def module(name: str, package: ModuleType | None = None) -> ModuleType:
    """Find a format in a package, by default among those of a run; UsageError where there is none of that name."""
    return registry.chosen(package or _package(), "format", name, "SUMMARY", "render")


def _package() -> ModuleType:
    from harness.report import formats as found

    return found


@record(frozen=True, slots=True)
class ReportFile:
    """A report that is written to a file."""

    name: str
    """The file's format."""
    path: Path


def parse(texts: Sequence[str], package: ModuleType | None = None) -> tuple[ReportFile, ...]:
    """Parse the values of --report before anything is run.

    Args:
        texts: `FORMAT=FILE` each.
        package: The package with the formats; by default those of a run.

    Raises:
        UsageError: A format is unknown, or a file could not be written.
    """
    targets = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not path:
            names = registry.names(package or _package())
            raise UsageError(f"--report {text!r} is not FORMAT=FILE", f"formats: {', '.join(names)}")
        module(name, package)
        folder = Path(path).absolute().parent
        if not os.access(folder, os.W_OK | os.X_OK) or Path(path).is_dir():
            raise UsageError(f"--report {text}: no file can be written there", f"does {folder} exist, and is it yours?")
        targets.append(ReportFile(name, Path(path)))
    return tuple(targets)


class Outputs:
    """Consumes the events of a session, and writes its report at the end."""

    def __init__(self, printed: str | None, targets: Sequence[ReportFile]) -> None:
        """`printed`: the format for standard output; None where the command prints something else there."""
        self._printed = printed
        self._targets = tuple(targets)
        if printed is not None:
            module(printed)
        self._streams: list[TextIO] = [sys.stdout] if printed == STREAMED else []
        self._opened = [opened_anew(target.path) for target in targets if target.name == STREAMED]
        self._streams += self._opened

    def take(self, event: Event) -> None:
        """Write a line for each run, in the format that has lines."""
        if self._streams and isinstance(event, Counted) and event.result is not None:
            for stream in self._streams:
                stream.write(module(STREAMED).line(event.result))
                stream.flush()

    def write(self, report: Report) -> None:
        """Write all other formats, at the end; a file is there whole or not at all."""
        for target in self._targets:
            if target.name != STREAMED:
                replace_file(target.path, module(target.name).render(report))
        for stream in self._streams:
            stream.write(module(STREAMED).summary(report))
        for stream in self._opened:
            stream.close()
        if self._printed not in (None, STREAMED):
            sys.stdout.write(module(str(self._printed)).render(report))


def report(
    command: str, began: float, duration_s: float, series: tuple[Series, ...], errors: tuple[str, ...]
) -> Report:
    """`began`: seconds since the epoch."""
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
    from harness.model.records import Report

    return Report(command, __version__, started, duration_s, series, errors)
