"""A machine with neighbours: `python -m tests.setup.neighbours COMMAND...`.

Starts what others may do on a machine: two hangs that nobody resolves, ten FUSE mounts, and fusezap runs in a loop, all
with a run folder of their own.  Then it runs the command, ends the neighbours, and passes on the command's exit status.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.meta.tree import ROOT

HANGS = ("exit-flush-self", "server-stopped")
MOUNTS = 10


def _fusezap(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "harness", *words]


@contextmanager
def neighbours() -> Iterator[None]:
    """Has neighbours on this machine until the block is left; then nothing of them is left.

    Raises:
        subprocess.CalledProcessError: A neighbour could not be started, or its end could not be made sure.
    """
    folder = Path(tempfile.mkdtemp(prefix="nb-", dir="/run"))
    env = {**os.environ, "FUSEZAP_RUN_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    null = subprocess.DEVNULL

    def run(words: tuple[str, ...], check: bool) -> None:
        subprocess.run(_fusezap(*words), env=env, check=check, stdin=null, stdout=null, stderr=null)

    def start(argv: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(argv, env=env, stdin=null, stdout=null, stderr=null)

    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(run, ("clean", "--yes"), check=True)
        for scenario in HANGS:
            run(("run", scenario, "--keep"), check=False)
        mounts = Path(tempfile.mkdtemp(prefix="nb-mounts-"))
        stack.callback(shutil.rmtree, mounts, ignore_errors=True)
        for number in range(MOUNTS):
            point = mounts / str(number)
            point.mkdir()
            argv = [sys.executable, "-P", "-m", "fakefs", str(point), "--fsname", f"neighbour-{number}"]
            server = start(argv)
            stack.callback(server.wait)
            stack.callback(server.terminate)
        loop = 'while :; do "$@"; done'
        runs = start(["sh", "-c", loop, "sh", *_fusezap("run", "healthy")])
        stack.callback(runs.wait)
        stack.callback(runs.kill)
        yield


def main(command: list[str]) -> int:
    """Runs the command beside the neighbours."""
    with neighbours():
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
