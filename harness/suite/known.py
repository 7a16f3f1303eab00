"""The list of known failures: a TOML file with [[known]] tables, which a suite is compared with."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.files import read_text
from harness.suite.case import CaseResult, Known, Status
from harness.suite.read import outcomes_in

_SIZE = 1 << 20
_KEYS = {"case", "outcomes", "kernel", "reason"}


def read_known(file: Path) -> tuple[Known, ...]:
    """Read the list.

    Args:
        file: TOML with [[known]] tables; each has `case` (a name or a glob) and `outcomes`, and may have `kernel` (a
            glob for the spec or the release) and `reason`.

    Raises:
        UsageError: It cannot be read, or a table is wrong.
    """
    try:
        document = tomllib.loads(read_text(file, _SIZE))
        tables = document.pop("known", [])
        if document or not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise ValueError("it holds [[known]] tables, and nothing else")
        return tuple(_entry(number, table) for number, table in enumerate(tables, start=1))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: {error}", "`--write-known FILE` writes such a list") from error


def _entry(number: int, table: dict[str, Any]) -> Known:
    label = f"known {number}"
    if unknown := table.keys() - _KEYS:
        raise ValueError(f"{label}: unknown key {', '.join(sorted(unknown))}; there are: {', '.join(sorted(_KEYS))}")
    texts = {key: table.get(key, default) for key, default in (("case", ""), ("kernel", "*"), ("reason", ""))}
    if not all(isinstance(each, str) for each in texts.values()) or not texts["case"]:
        raise ValueError(f"{label}: `case` is a name; it, `kernel` and `reason` are strings")
    outcomes = table.get("outcomes")
    if not isinstance(outcomes, str | list):
        raise ValueError(f"{label}: `outcomes` is an outcome, or a list of them")
    try:
        return Known(texts["case"], outcomes_in(outcomes), texts["kernel"], texts["reason"])
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from error


def written(results: Sequence[CaseResult]) -> str:
    """Write the failures of a run as such a list; what was known keeps its reason.

    Args:
        results: Of a run.

    Returns:
        The file's text.
    """
    tables = [
        _table(each) for each in results if each.status in (Status.FAIL, Status.KNOWN, Status.CHANGED) and _fails(each)
    ]
    return "\n".join(tables) or "# Nothing fails.\n"


def _fails(result: CaseResult) -> bool:
    return bool({each.outcome for each in result.outcomes} - set(result.case.expect))


def _table(result: CaseResult) -> str:
    """A JSON string of printable characters is a basic string of TOML, too."""
    lines = [
        "[[known]]",
        f"case = {json.dumps(result.case.name)}",
        f"kernel = {json.dumps(result.spec)}",
        f"outcomes = {json.dumps([str(each.outcome) for each in result.outcomes])}",
    ]
    if result.known is not None and result.known.reason:
        lines.append(f"reason = {json.dumps(result.known.reason)}")
    return "\n".join(lines) + "\n"
