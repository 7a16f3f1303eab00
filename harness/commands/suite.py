"""`fusezap suite`: a user's own cases, here or elsewhere, compared with known failures and with the last run."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from contextlib import closing
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__, catalogue, registry
from harness.commands import _cells, _counting, _kernel
from harness.commands._progress import matrix_progress
from harness.errors import Interrupted, UsageError
from harness.files import replace_file
from harness.record import replace
from harness.report import outputs
from harness.suite import formats, history
from harness.suite.assess import assess
from harness.suite.case import Case, SuiteReport
from harness.suite.known import read_known, written
from harness.suite.read import RUNS, read_suite

if TYPE_CHECKING:
    from types import ModuleType

    from harness.matrix.measure import Workers
    from harness.suite.measure import Measured

HELP = "your own cases, here or under other kernels, compared with before"
DESCRIPTION = """\
Runs the cases of a folder: each is a scenario of the catalogue, one of your own, a FUSE server or any programs, with
the outcomes that you expect.  suite.toml has them, a table a case:

    [[case]]
    name = "my-server"
    server = "./myfs -f {mountpoint}"      # or: scenario = "exit-flush-self", or: programs = ["CMD", "CMD"]
    hold = "/file"
    expect = "released"                    # or a list; default: what the scenario wants
    repeat = 20

{suite} in a command stands for the folder, which a guest sees, too.  A Python file with
SCENARIO = fusezap.Scenario(...) is a case, too.
A case that comes to several outcomes is reported with their rates, and never run again to hide one.

Exit status 0: every case passed, failed as --known lists it, or lacks something that this machine does not have.
1: not so.  2: usage or environment.  3: a bug of fusezap.
"""
TERMINAL = "terminal"
HERE = "host"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", type=Path, help="has suite.toml, or Python files with a SCENARIO")
    parser.add_argument(
        "-k", dest="only", metavar="GLOB", action="append", help="only the cases that this fits; repeatable"
    )
    parser.add_argument("--list", action="store_true", help="print the cases, and run nothing")
    parser.add_argument(
        "--kernels",
        metavar="SPEC,SPEC,…",
        action="append",
        help="see `fusezap kernels`; default: this kernel",
    )
    parser.add_argument("--repeat", metavar="N", type=int, help="run each case N times, whatever it says")
    parser.add_argument(
        "--known", metavar="FILE", type=Path, help="known failures: they fail nothing until they change"
    )
    parser.add_argument(
        "--write-known", metavar="FILE", type=Path, help="write the failures of this run as a list for --known"
    )
    parser.add_argument(
        "--last", metavar="FILE", type=Path, help="the last run, to compare with and to replace; default: kept for DIR"
    )
    parser.add_argument(
        "--format",
        default=TERMINAL,
        metavar="FORMAT",
        help=f"{', '.join(registry.names(formats))}; default: {TERMINAL}",
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument(
        "--report", metavar="FORMAT=FILE", action="append", default=[], help="write that, too; repeatable"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", metavar="J", type=int, help="so many kernels at a time (default: 1)")
    where.add_argument(
        "--cluster", metavar="ADDRESS", help="run on a cluster of dask.distributed, such as tcp://head:8786"
    )
    _kernel.machine(parser.add_argument_group("the virtual machine of each other kernel"))


def execute(args: argparse.Namespace) -> int:
    from harness.suite.measure import Measured

    rendering = outputs.module(args.format, formats)
    targets = outputs.parse(args.report, formats)
    _counting.check(args)
    _kernel.check(args)
    every = read_suite(args.folder, catalogue.catalogue())
    cases = _chosen(every, args)
    if args.list:
        return _listed(cases)
    specs = _cells.kernels(args, args.kernels or [HERE])
    known = read_known(args.known) if args.known is not None else ()
    file = args.last or history.default_file(args.folder)
    last = history.read_last(file)
    workers = _cells.workers(args, at_a_time=1)
    measured = Measured(cases, specs, _kernel.settings(args, shown=(args.folder.resolve(),)))
    began = time.time()

    def report() -> SuiteReport:
        return SuiteReport(
            str(args.folder),
            shlex.join(["fusezap", *sys.argv[1:]]),
            __version__,
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
            time.time() - began,
            tuple(
                assess(case, spec, measured.series.get((case.name, spec)), known, last.results.get((case.name, spec)))
                for spec in specs
                for case in cases
            ),
            tuple(measured.errors),
            last.started,
            last.gone(every, specs),
        )

    try:
        _run(measured, workers, len(specs), len(cases))
    except Interrupted:
        if measured.series:
            _print(report(), rendering)  # what was not run says so; the last run stays as it was
        raise
    whole = report()
    history.write_last(file, whole, last)
    if args.write_known is not None:
        replace_file(args.write_known, written(whole.results))
    for target in targets:
        replace_file(target.path, outputs.module(target.name, formats).render(whole))
    _print(whole, rendering)
    return 0 if whole.good else 1


def _run(measured: Measured, workers: Workers, kernels: int, cases: int) -> None:
    progress = matrix_progress(kernels, cases)
    try:
        with closing(measured.measure(workers)) as events:
            for kernel, event in events:
                progress.take(kernel, event)
    finally:
        progress.stop()


def _print(report: SuiteReport, module: ModuleType) -> None:
    if module.__name__.endswith(f".{TERMINAL}"):
        from rich.console import Console

        module.show(report, Console(highlight=False))
    else:
        sys.stdout.write(module.render(report))


def _chosen(cases: tuple[Case, ...], args: argparse.Namespace) -> tuple[Case, ...]:
    if args.only:
        chosen = tuple(each for each in cases if any(fnmatchcase(each.name, glob) for glob in args.only))
        if not chosen:
            raise UsageError(f"no case fits {', '.join(args.only)}", f"there are: {', '.join(e.name for e in cases)}")
        cases = chosen
    if args.repeat is not None:
        if args.repeat > RUNS:
            raise UsageError(f"--repeat takes a number up to {RUNS}")
        cases = tuple(replace(each, times=args.repeat) for each in cases)
    return cases


def _listed(cases: tuple[Case, ...]) -> int:
    width = max(len(each.name) for each in cases)
    for each in cases:
        times = f", {each.times} times" if each.times > 1 else ""
        print(f"{each.name:<{width}}  {' or '.join(each.expect)}{times}: {each.scenario.summary}")
    return 0
