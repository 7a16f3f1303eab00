"""`fusezap clean`: remove what killed or kept runs left."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict

from harness.guard.sweep import Swept, sweep

HELP = "remove what killed or kept runs left on this machine"
DESCRIPTION = """\
Finds runs of this user that nobody looks after any more, and kept ones: by the unique names of their mounts and the
start times of their processes.  Aborts their connections, ends their processes, removes their folders; says what it
did.  A run in progress, and any connection that is not fusezap's, is not touched.

Exit status 0: nothing is left.  1: something could not be removed.  2: usage or environment.
3: a bug of fusezap.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")


def execute(args: argparse.Namespace) -> int:
    swept = [*sweep(), *_machines()]
    if args.json:
        print(json.dumps([asdict(each) for each in swept], indent=2))
    else:
        for each in swept:
            _tell(each)
        if not swept:
            print("nothing to clean")
    return 1 if any(each.left for each in swept) else 0


def _machines() -> Iterator[Swept]:
    """What a killed run under another kernel left: its machine went with it, its folder did not."""
    from harness.vm import share

    for folder in share.abandoned():
        shutil.rmtree(folder)
        yield Swept(folder.name, ("removed the folder that it shared with its machine",), ())


def _tell(swept: Swept) -> None:
    if swept.in_use:
        print(f"{swept.run}: in use, left alone")
        return
    for action in swept.actions:
        print(f"{swept.run}: {action}")
    for left in swept.left:
        print(f"{swept.run}: LEFT: {left}")
