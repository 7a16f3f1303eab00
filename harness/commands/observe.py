"""`fusezap observe PID`: record what a PID namespace looks like, whoever made it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness import files
from harness.commands._numbers import seconds
from harness.model import recording
from harness.observe.record import record

HELP = "record snapshots of a PID namespace, for judge"
DESCRIPTION = """\
Takes two snapshots of the PID namespace whose init is PID and prints them as JSON: `fusezap observe PID | fusezap
judge -`.  Changes nothing, and reads nothing that can hang; the namespace need not be one of ours.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", type=int, help="the namespace's init, as seen from here")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write there instead")
    parser.add_argument(
        "--interval", metavar="SECONDS", type=seconds(0), default=0.01, help="between the two; default 0.01"
    )


def execute(args: argparse.Namespace) -> int:
    text = recording.dump(record(args.pid, args.interval))
    if args.out:
        files.replace_file(args.out, text, files.SECRET)
    else:
        sys.stdout.write(text)
    return 0
