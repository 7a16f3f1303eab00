"""`fusezap judge FILE`: the same judgement on a recorded hang, on any machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness import __version__, files, registry
from harness.diagnosis import capture, formats
from harness.diagnosis.clients import LONG_S
from harness.diagnosis.findings import findings
from harness.diagnosis.long_waits import long_waits
from harness.diagnosis.records import Diagnosis, Readings
from harness.errors import UsageError
from harness.judge.form import form
from harness.judge.verdict import judge, stuck_task
from harness.model import bounded_json, recording
from harness.model.records import Outcome

HELP = "judge a recorded hang again (snapshots.json of --out, or what `diagnose --capture` kept)"
DESCRIPTION = """\
Reads snapshots and gives the verdict, with the wait-for graph and the form's checklist.  Of the readings that
`fusezap diagnose --capture` kept, and of a crash dump, it gives the findings, as diagnose would have.

Exit status 0: released, or nothing stuck.  1: deadlock, starved, or findings.  2: inconclusive.
3: usage, environment, or a bug of fusezap.
"""
STATUS = {Outcome.RELEASED: 0, Outcome.DEADLOCK: 1, Outcome.STARVED: 1}


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", type=Path, help="snapshots.json, or a capture; - for standard input")
    what.add_argument("--vmcore", type=Path, metavar="FILE", help="a crash dump, by drgn (fusezap[drgn])")
    parser.add_argument(
        "--debug-info", type=Path, metavar="FOLDER", help="with --vmcore: where that of the kernel lies too"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show all that is known of every finding")
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")


def execute(args: argparse.Namespace) -> int:
    if args.vmcore is not None:
        from harness.diagnosis.vmcore import read_dump

        return _found(read_dump(args.vmcore, args.debug_info), f"--vmcore {args.vmcore}", args)
    try:
        if str(args.file) == "-":
            text = files.read_stream(sys.stdin.buffer, bounded_json.SIZE, "standard input")
        else:
            text = files.read_text(args.file, bounded_json.SIZE)
    except OSError as error:
        raise UsageError(f"{args.file}: {error.strerror}", "a FIFO is read as standard input: -") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{args.file} is no recording of snapshots: it is no text", "see `fusezap run --out DIR`"
        ) from error
    if capture.is_capture(text):
        return _found(capture.load(text, str(args.file)), str(args.file), args)
    verdict = judge(recording.load(text, str(args.file)))
    checks = form(verdict.snapshots[-1], stuck_task(verdict), None) if verdict.outcome is not Outcome.RELEASED else ()
    if args.format == "json":
        from harness.report.formats import json as report

        sys.stdout.write(report.render_verdict(verdict, checks))
    else:
        from harness.report.formats.terminal import Story

        Story().verdict(verdict, checks)
    return STATUS.get(verdict.outcome, 2)


def _found(readings: Readings, source: str, args: argparse.Namespace) -> int:
    found = findings(readings)
    waits = long_waits(readings, found, LONG_S)
    diagnosis = Diagnosis(readings, found, __version__, f"fusezap judge {source}", waits)
    form = registry.module(formats, args.format, "render")
    sys.stdout.write(formats.rendered(diagnosis, form, args.verbose))
    return diagnosis.status
