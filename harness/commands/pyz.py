"""`fusezap pyz`: diagnose as one file, to be copied to a production host."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.diagnosis import pyz

HELP = "make fusezap.pyz, diagnose in one file for a production host"
DESCRIPTION = """\
Makes a file that holds `fusezap diagnose` and all that it needs.  A host needs Python 3.9 or newer and nothing else:

  scp fusezap.pyz HOST: && ssh HOST sudo python3 fusezap.pyz --json
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, default=Path("fusezap.pyz"), metavar="FILE", help="default: fusezap.pyz")


def execute(args: argparse.Namespace) -> int:
    size = pyz.build(args.output)
    print(f"{args.output}: {size / 1024:.0f} KiB; `python3 {args.output} --help` tells what it can")
    return 0
