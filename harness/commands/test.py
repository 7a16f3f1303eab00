"""`fusezap test`: every suite that this machine can run."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

from harness.errors import UsageError

HELP = "run the tests; --all also the slow ones, and then nothing is skipped"
DESCRIPTION = """\
Runs the project's tests with pytest, from the checkout.  What this machine cannot run is skipped, and named at the
end.  With --all the slow suites run too, and a skip is a failure (FUSEZAP_REQUIRE=1).

Everything else is passed on to pytest: `fusezap test -k judge -x`, `fusezap test tests/unit`.
"""
PASSES_ON = True
SLOW = "slow"
PURE = ("tests/meta", "tests/unit", "tests/fuzz")
WORKERS = 4


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also the slow suites; skips nothing")
    parser.usage = "fusezap test [--all] [PYTEST ARGUMENT]..."


def execute(args: argparse.Namespace) -> int:
    checkout = Path(__file__).parents[2]
    if not (checkout / "tests").is_dir():
        raise UsageError(f"{checkout} has no tests", "the tests are in the checkout, not in the installed package")
    argv = [sys.executable, "-P", "-m", "pytest"]
    env = dict(os.environ)
    if args.all:
        env["FUSEZAP_REQUIRE"] = "1"
    else:
        argv += ["-m", f"not {SLOW}"]
    if not os.access(checkout, os.W_OK):
        argv += ["-p", "no:cacheprovider"]
    parts = [args.passed_on] if args.passed_on or not args.all else _parts()
    failed = [
        part for part in parts if subprocess.run([*argv, *part], cwd=checkout, env=env, check=False).returncode != 0
    ]
    if not args.all:
        print(
            "left out: what takes long (a clean machine, setting up anew, many runs, many kills); `test --all` runs it"
        )
    for part in failed:
        print(f"failed: pytest {shlex.join(part)}".rstrip())
    return 1 if failed else 0


def _parts() -> list[list[str]]:
    """Everything, as arguments of two runs of pytest: what looks at live processes has the machine to itself."""
    workers = min(len(os.sched_getaffinity(0)), WORKERS)
    return [["-n", str(workers), "--dist", "worksteal", *PURE], [f"--ignore={suite}" for suite in PURE]]
