"""`fusezap results`: what `fusezap matrix` measured."""

from __future__ import annotations

import argparse
import csv
import json
import re
import shlex
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.model.terms import Outcome
from harness.report import outputs

if TYPE_CHECKING:
    from harness.matrix.store import Cell, Query, Store

HELP = "what `matrix` measured: query, export, compare"
DESCRIPTION = """\
Without an option: the last result of each scenario under each kernel.

A kernel is named by its spec, its release, its package or its digest, or by a glob that fits one of these.

Exit status of --compare 0: every scenario came to the same under both.  1: not so.  2: nothing to compare.
Else 0, and 1 where nothing was found.
"""
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", metavar="GLOB", default="*", help="such as debian:sid, or '6.1.*'")
    parser.add_argument("--scenario", metavar="GLOB", default="*")
    parser.add_argument("--outcome", metavar="OUTCOME", help="that one run at least came to")
    parser.add_argument("--since", metavar="WHEN", default="", help="2026-01-31, or an age: 90m, 12h, 3d, 2w")
    parser.add_argument("--all", action="store_true", help="not only the last of each")
    parser.add_argument("--compare", nargs=2, metavar=("KERNEL", "KERNEL"), help="what is not the same under both")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="for scripts")
    shape.add_argument("--csv", action="store_true", help="for spreadsheets")
    parser.add_argument(
        "--report",
        metavar="FORMAT=FILE",
        action="append",
        default=[],
        help=f"with the evidence, as often as wanted; formats: {', '.join(outputs.formats())}",
    )


def execute(args: argparse.Namespace) -> int:
    from harness.matrix import store

    targets = outputs.parse(args.report)
    query = _query(args)
    with store.opened() as opened:
        if args.compare:
            return _compare(opened, query, args)
        cells = opened.cells(query)
        if targets:
            command = shlex.join(["fusezap", *sys.argv[1:]])
            series = tuple(each for cell in cells if (each := opened.series(cell)) is not None)
            outputs.Outputs(None, targets).write(outputs.report(command, time.time(), 0.0, series, ()))
    if args.json:
        print(json.dumps([asdict(cell) for cell in cells], indent=2))
    elif args.csv:
        _csv(cells)
    else:
        _table(cells)
    return 0 if cells else 1


def _query(args: argparse.Namespace) -> Query:
    from harness.matrix.store import Query

    if args.outcome is not None and args.outcome not in list(Outcome):
        raise UsageError(f"--outcome: unknown outcome {args.outcome!r}", f"there are: {', '.join(Outcome)}")
    return Query(args.kernel, args.scenario, args.outcome, since(args.since, time.time()), args.all)


def since(text: str, now: float) -> str:
    """A date or an age as the store has its times; '' stays.  `now`: seconds since the epoch."""
    if match := re.fullmatch(r"(\d+)([mhdw])", text):
        then = now - int(match[1]) * _UNITS[match[2]]
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(then))
    if text and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\dZ?)?)?", text):
        raise UsageError(f"--since {text!r} is no date and no age", "such as 2026-01-31, 2026-01-31T12:00, 12h, 3d")
    return text


def _csv(cells: list[Cell]) -> None:
    from harness.matrix.store import Cell

    columns = [*(name for name in Cell.__dataclass_fields__ if name != "outcomes"), *Outcome]
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    for cell in cells:
        row = asdict(cell)
        writer.writerow({**dict.fromkeys(Outcome, 0), **row.pop("outcomes"), **row})


def _table(cells: list[Cell]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not cells:
        print("nothing was found; `fusezap matrix` measures", file=sys.stderr)
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("kernel", "release", "scenario", "result", "outcomes", "at"):
        table.add_column(title, no_wrap=True)
    for cell in cells:
        table.add_row(cell.spec, cell.release, cell.scenario, cell.mark, words(cell), cell.at)
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max(console.width, console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table)


def words(cell: Cell) -> str:
    """`deadlock`, or `deadlock 3, released 1` where it was run more than once."""
    if sum(cell.outcomes.values()) == 1:
        return next(iter(cell.outcomes))
    return ", ".join(f"{outcome} {times}" for outcome, times in cell.outcomes.items()) or "-"


def _compare(opened: Store, query: Query, args: argparse.Namespace) -> int:
    from dataclasses import replace

    left, right = (_last(opened.cells(replace(query, kernel=name)), name) for name in args.compare)
    changed = {
        name: (left.get(name), right.get(name))
        for name in sorted(left.keys() | right.keys())
        if _kinds(left.get(name)) != _kinds(right.get(name))
    }
    if args.json:
        print(json.dumps({name: [cell and asdict(cell) for cell in pair] for name, pair in changed.items()}, indent=2))
        return 1 if changed else 0
    first, second = (next(iter(cells.values())) for cells in (left, right))
    print(f"{first.spec} ({first.release}) and {second.spec} ({second.release}):")
    for name, pair in changed.items():
        before, after = (words(cell) if cell else "not run" for cell in pair)
        print(f"  {name}: {before} -> {after}")
    same = len(left.keys() | right.keys()) - len(changed)
    print(f"  the same in {same} scenarios" if same else "  nothing is the same")
    return 1 if changed else 0


def _last(cells: list[Cell], name: str) -> dict[str, Cell]:
    """The cells of the last measured kernel of that name: a suite's kernel changes."""
    if not cells:
        raise UsageError(f"there are no results of {name!r}", "`fusezap results` shows what there is")
    return {cell.scenario: cell for cell in cells if cell.digest == cells[-1].digest}


def _kinds(cell: Cell | None) -> frozenset[str] | None:
    """Compare the outcomes that occurred, not their numbers, which are chance."""
    return None if cell is None else frozenset(cell.outcomes)
