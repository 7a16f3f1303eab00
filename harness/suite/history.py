"""The last run of a suite, as a file: the JSON document of that run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import read_text, replace_file, user_folder
from harness.model import bounded_json
from harness.record import record
from harness.suite.case import Before, Case, Status, SuiteReport
from harness.suite.formats import json as document

_SIZE = 32 << 20


@record(frozen=True, slots=True)
class Last:
    """The last run."""

    started: str
    """ISO 8601, UTC; empty: there was none."""
    results: dict[tuple[str, str], Before]
    """Results, by the name of the case and the spec of the kernel."""

    def gone(self, cases: Iterable[Case], specs: Iterable[str]) -> tuple[str, ...]:
        """Name the cases that it had under one of these kernels, and that are not there any more."""
        names = {each.name for each in cases}
        return tuple(sorted({case for case, spec in self.results if case not in names and spec in set(specs)}))


def default_file(folder: Path) -> Path:
    """The file of a suite for which the user names none.

    Args:
        folder: Of the suite.
    """
    path = str(folder.resolve())
    name = f"{folder.resolve().name}-{hashlib.sha256(path.encode(errors='surrogateescape')).hexdigest()[:12]}.json"
    return user_folder("XDG_STATE_HOME", ".local/state") / "fusezap" / "suites" / name


def read_last(file: Path) -> Last:
    """Read the last run.

    Args:
        file: As `write_last` wrote it, or `--json` printed it; it need not be there.

    Raises:
        UsageError: It is no such document.
    """
    try:
        raw = bounded_json.parse(read_text(file, _SIZE))
        return Last(str(raw["started"]), dict(_before(each) for each in raw["results"]))
    except FileNotFoundError:
        return Last("", {})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{file} is no result of `fusezap suite`: {error!r}", "remove it, or name another") from error


def _before(raw: Any) -> tuple[tuple[str, str], Before]:
    outcomes = {str(name): int(each["times"]) for name, each in raw["outcomes"].items()}
    return (str(raw["case"]), str(raw["kernel"])), Before(Status(raw["status"]), outcomes)


def write_last(file: Path, report: SuiteReport, last: Last) -> None:
    """Keep a run for the next one.  What it has no result for stays as it was in the last run.

    Args:
        file: Is replaced whole.
        report: The run.
        last: What was read before.

    Raises:
        OSError: The file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    now = {(each.case.name, each.spec) for each in report.results if each.series is not None}
    kept = {key: before for key, before in last.results.items() if key not in now and key[0] not in report.gone}
    replace_file(file, document.render(report, kept))
