"""`fusezap clean`: remove what killed or kept runs left."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict

from harness.errors import UsageError
from harness.guard.sweep import Found, Swept, found, sweep

HELP = "remove what killed or kept runs left on this machine"
DESCRIPTION = """\
Finds runs of this user that nobody looks after any more, and kept ones: by the unique names of their mounts and the
start times of their processes.  Aborts their connections, ends their processes, removes their folders; says what it
did.  A run in progress, and any connection that is not fusezap's, is not touched.

With IDs, ends these runs.  Alone, lists what it would end, and asks; without a terminal to ask on it takes --yes, or
ends nothing.

Exit status 0: nothing is left.  1: something was left: it could not be removed, or the answer was no.
2: usage or environment, such as no terminal to ask on.  3: a bug of fusezap.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="end these runs; default: all that nobody looks after")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="for scripts")


def execute(args: argparse.Namespace) -> int:
    runs, machines = found(), _machines()
    _known(args.ids, (*(each.run for each in runs), *machines))
    free = [each for each in runs if not each.in_use]
    only = frozenset(args.ids) if args.ids else None
    if only is None and (free or machines) and not args.yes:
        _ask(free, machines)
        if not _answered_yes():
            print("nothing was ended")
            return 1
        only = frozenset((*(each.run for each in free), *machines))
    swept = [*sweep(only), *_removed(machines, only)]
    if args.json:
        print(json.dumps([asdict(each) for each in swept], indent=2))
    else:
        for each in swept:
            _print(each)
        if not swept:
            print("nothing to clean")
    return 1 if any(each.left or (args.ids and each.in_use) for each in swept) else 0


def _known(ids: list[str], names: tuple[str, ...]) -> None:
    """Refuses a name that no run has.

    Raises:
        UsageError: It names the nearest ones, three at most.
    """
    for name in ids:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
            raise UsageError(
                f"there is no run {name}",
                f"near: {', '.join(near)}" if near else "`fusezap clean` lists what there is",
            )


def _ask(free: list[Found], machines: tuple[str, ...]) -> None:
    """Lists what would be ended, on the error stream: standard output is for what was done.

    Raises:
        UsageError: There is no terminal to ask on.
    """
    for each in free:
        kind = "kept by --keep" if each.kept else "left by a run that was killed"
        processes = f", {len(each.pids)} process(es)" if each.pids else ""
        print(f"{each.run}: {kind}{processes}", file=sys.stderr)
    for name in machines:
        print(f"{name}: the folder that a killed run shared with its machine", file=sys.stderr)
    if not sys.stdin.isatty():
        raise UsageError(
            f"{len(free) + len(machines)} run(s) would be ended, and there is no terminal to ask on",
            "`fusezap clean ID` ends one, `fusezap clean --yes` all of them",
        )


def _answered_yes() -> bool:
    print("End them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _machines() -> tuple[str, ...]:
    """Names of the folders that killed runs under another kernel left: their machines went with them."""
    from harness.vm import share

    return tuple(folder.name for folder in share.abandoned())


def _removed(machines: tuple[str, ...], only: Collection[str] | None) -> Iterator[Swept]:
    from harness.vm import share

    for folder in share.abandoned():
        if folder.name in machines and (only is None or folder.name in only):
            share.remove(folder)
            yield Swept(folder.name, ("removed the folder that it shared with its machine",), ())


def _print(swept: Swept) -> None:
    if swept.in_use:
        print(f"{swept.run}: in use, left alone")
        return
    for action in swept.actions:
        print(f"{swept.run}: {action}")
    for left in swept.left:
        print(f"{swept.run}: LEFT: {left}")
