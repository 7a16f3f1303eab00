"""`fusezap matrix`: scenarios under many kernels, side by side."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

from harness import catalogue
from harness.commands import _cells, _counting, _kernel
from harness.commands._progress import matrix_progress
from harness.model.terms import NO_VERDICT
from harness.report import outputs
from harness.report.outputs import Outputs
from harness.run.session import SessionOptions

if TYPE_CHECKING:
    from harness.matrix.measure import MatrixSpec
    from harness.model.records import Series

HELP = "scenarios under many kernels, side by side"
DESCRIPTION = """\
Runs scenarios under each of several kernels, one boot a kernel, some kernels at a time.  A cell that came to a
conclusion is kept (see `fusezap results`) and not measured again until the scenario, the options or fusezap change;
so the same command goes on where it was broken off.

Exit status 0: every cell came to a conclusion, good or bad.  1: not so.  2: usage or environment.
3: a bug of fusezap.
"""
TERMINAL = "terminal"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kernels", metavar="SPEC,SPEC,…", required=True, action="append", help="which ones: see `fusezap kernels`"
    )
    parser.add_argument(
        "--scenarios", metavar="NAME,NAME,…", action="append", help="names or globs, see `fusezap list`; default: all"
    )
    parser.add_argument("--fresh", action="store_true", help="measure every cell anew")
    parser.add_argument(
        "--format", default=TERMINAL, metavar="FORMAT", help=f"on stdout: {', '.join(outputs.formats())}"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    _counting.repeats(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        metavar="J",
        type=int,
        help="so many kernels at a time (default: one for each processor)",
    )
    where.add_argument(
        "--cluster", metavar="ADDRESS", help="measure on a cluster of dask.distributed, such as tcp://head:8786"
    )
    _counting.reports(parser)
    _kernel.machine(parser.add_argument_group("the virtual machine of each kernel"))


def epilog() -> str:
    return _counting.formats()


def execute(args: argparse.Namespace) -> int:
    from harness.matrix import store
    from harness.matrix.measure import Matrix

    spec = _spec(args)
    workers = _cells.workers(args, at_a_time=_processors())
    out = Outputs(None if args.format == TERMINAL else args.format, outputs.parse(args.report))
    command = shlex.join(["fusezap", *sys.argv[1:]])
    began = time.time()
    with store.opened() as opened:
        matrix = Matrix(spec, opened)
        progress = matrix_progress(len(spec.specs), len(spec.scenarios))
        try:
            with closing(matrix.measure(workers)) as events:
                for kernel, event in events:
                    progress.take(kernel, event)
        finally:
            progress.stop()
            if matrix.series and args.format == TERMINAL:
                _table(matrix.series)
            if matrix.series or matrix.errors:
                out.write(outputs.report(command, began, time.time() - began, matrix.series, tuple(matrix.errors)))
    return 0 if matrix.complete and not matrix.errors and all(map(_conclusive, matrix.series)) else 1


def _spec(args: argparse.Namespace) -> MatrixSpec:
    from harness.matrix.measure import MatrixSpec

    _counting.check(args)
    _kernel.check(args)
    specs = _cells.kernels(args, args.kernels)
    chosen = catalogue.find(_cells.listed(args.scenarios or ["*"]))
    options = SessionOptions(times=args.repeat or 1)
    return MatrixSpec(specs, chosen, options, _kernel.settings(args), args.fresh)


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _table(series: tuple[Series, ...]) -> None:
    from harness.report.formats.terminal import Story

    Story().summary(series)


def _conclusive(series: Series) -> bool:
    """True if a cell is conclusive; a scenario that this machine cannot run counts as such."""
    outcomes = {count.outcome for count in series.counts}
    return bool(series.missing) or (bool(outcomes) and not outcomes & NO_VERDICT and not series.errors)
