"""`fusezap test`: every suite that this machine can run."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
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
MACHINES = "tests/vm"
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
    stages = [[args.passed_on]] if args.passed_on or not args.all else _stages()
    failed = [part for stage in stages for part in _failed(argv, stage, checkout, env)]
    if not args.all:
        print(
            "left out: what takes long (a clean machine, setting up anew, many runs, many kills); `test --all` runs it"
        )
    for part in failed:
        print(f"failed: pytest {shlex.join(part)}".rstrip())
    return 1 if failed else 0


def _stages() -> list[list[list[str]]]:
    """Everything: what is pure, on all cores; then what looks at live processes, beside the virtual machines.

    Returns:
        By stage, the arguments of each run of pytest.  The runs of one stage go on at once.
    """
    workers = min(len(os.sched_getaffinity(0)), WORKERS)
    live = [f"--ignore={suite}" for suite in (*PURE, MACHINES)]
    return [[["-n", str(workers), "--dist", "worksteal", *PURE]], [live, [MACHINES]]]


def _failed(argv: list[str], stage: list[list[str]], checkout: Path, env: dict[str, str]) -> list[list[str]]:
    """Run the parts of a stage at once; the first one is shown as it goes on, each other one when all have ended."""
    first, *others = stage
    with ExitStack() as stack:
        beside = []
        for part in others:
            output = stack.enter_context(tempfile.TemporaryFile())
            started = subprocess.Popen([*argv, *part], cwd=checkout, env=env, stdout=output, stderr=subprocess.STDOUT)
            beside.append((part, output, stack.enter_context(started)))
            print(f"beside what follows: pytest {shlex.join(part)}; its output comes at the end", flush=True)
        failed = [first] if subprocess.run([*argv, *first], cwd=checkout, env=env, check=False).returncode else []
        for part, output, run in beside:
            failed += [part] if run.wait() else []
            output.seek(0)
            for line in output:
                print(line.decode(errors="replace"), end="")
    return failed
