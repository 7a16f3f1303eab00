"""`fusezap servers`: which packaged FUSE servers leave a task that cannot end when they die."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from pathlib import Path
from types import ModuleType

from harness import __version__, files, registry
from harness.commands._progress import teller
from harness.errors import FusezapError, UsageError
from harness.model.records import Kernel
from harness.record import replace
from harness.report import outputs
from harness.servers import catalogue, formats
from harness.servers.experiment import run_cell
from harness.servers.records import Cell, Death, ServerResult, ServersReport

HELP = "which packaged FUSE servers leave a task that cannot end"
DESCRIPTION = """\
For each FUSE server that is installed: starts it in a container (a PID and a mount namespace of its own), with a
program of the container and one of a neighbouring container that have files of its mount open.  Kills the container,
the server alone, or stops the server (SIGTERM, then SIGKILL); judges what remains; aborts the connection, and counts
what is left.
A server that mirrors a folder is killed once more while it has a file of its own mount open itself.

Exit status 0: each server was measured, deadlock or not.  1: an experiment failed, or something was left.  2: nothing
could be run.  3: usage, environment, or a bug of fusezap.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "servers", nargs="*", metavar="NAME", help=f"{', '.join(catalogue.names())}; default: all that are installed"
    )
    parser.add_argument("--list", action="store_true", help="which of them are installed, and their versions")
    parser.add_argument(
        "--format",
        default="terminal",
        metavar="FORMAT",
        help=f"{', '.join(registry.names(formats))}; default: terminal",
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument(
        "--markdown", action="store_const", const="markdown", dest="format", help="the same as --format markdown"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the report there, after each server anew")


def execute(args: argparse.Namespace) -> int:
    rendering = outputs.module(args.format, formats)
    asked = tuple(dict.fromkeys(args.servers))
    servers = [(name, catalogue.server(name)) for name in asked or catalogue.names()]
    if args.list:
        return _list(servers)
    if os.geteuid() != 0:
        raise UsageError("servers that mount in namespaces of their own take root", "run it with sudo")
    began, started = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    results: list[ServerResult] = []
    text = ""
    for name, module in servers:
        results.append(_measure(name, module))
        kernel = os.uname()
        report = ServersReport(
            shlex.join(["fusezap", *sys.argv[1:]]),
            __version__,
            started,
            time.monotonic() - began,
            Kernel(kernel.release, kernel.version, kernel.machine),
            tuple(results),
        )
        text = rendering.render(report)
        if args.output is not None:
            files.replace_bytes(args.output, text.encode("utf-8", "backslashreplace"))
    if args.output is None:
        sys.stdout.write(text)
    return _status(results, bool(asked))


def _list(servers: list[tuple[str, ModuleType]]) -> int:
    there = False
    for name, module in servers:
        tools, missing = catalogue.find(module)
        there = there or not missing
        known = (
            ""
            if missing
            else " ".join(filter(None, (catalogue.version(module, tools), catalogue.speaks_fuse_by(module, tools))))
        )
        print(f"{name:<22} {'; '.join(missing) or known}")
    return 0 if there else 2


def _measure(name: str, module: ModuleType) -> ServerResult:
    tools, missing = catalogue.find(module)
    result = ServerResult(name, module.SUMMARY, missing=missing)
    if missing:
        print(f"{name}: {'; '.join(missing)}", file=sys.stderr, flush=True)
        return result
    result = replace(result, version=catalogue.version(module, tools), library=catalogue.speaks_fuse_by(module, tools))
    for workload in catalogue.workloads(module, tools):
        for death in Death:
            tell = teller(f"{name}, {workload}, {death}")
            try:
                measured = run_cell(module, tools, workload, death, result.flush is None, tell)
            except FusezapError as error:
                result = replace(result, cells=(*result.cells, Cell(workload, death, error=str(error))))
                tell(f"not measured: {error}")
                continue
            if measured.cell.error:
                tell(f"not measured: {measured.cell.error}")
            flush = result.flush if measured.flush is None else measured.flush
            result = replace(result, cells=(*result.cells, measured.cell), flush=flush)
    return result


def _status(results: list[ServerResult], asked: bool) -> int:
    """One that is not installed counts only where it was asked for."""
    if not any(each.cells for each in results):
        return 2
    counted = [each for each in results if asked or not each.missing]
    return 0 if all(each.good for each in counted) else 1
