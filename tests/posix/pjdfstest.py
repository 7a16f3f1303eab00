"""Run pjdfstest, a suite of POSIX behaviour, on a mounted fakefs: `python -m tests.posix.pjdfstest PATH`.

PATH is a checkout of the suite (pjd/pjdfstest on GitHub) in which its program is built:

    autoreconf -ifs && ./configure && make pjdfstest

It is run once for each binding to libfuse that can be loaded, or for those named by --fuse. The exit status is 0 if all
tests pass on all of them, 1 if not, 2 if the suite cannot be run. Needs root and prove (Perl).
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fakefs import binding
from fakefs.client import Control
from fakefs.errors import ControlError

ROOT = Path(__file__).parents[2]

#: Options with which the kernel checks permissions, as the suite expects of a filesystem, and for all users.
OPTIONS = ("-o", "allow_other", "-o", "default_permissions")

#: Seconds until the server has to be there.
READY_S = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of prove. `failed` has its lines about tests that failed or were not run."""

    files: int
    tests: int
    failed: tuple[str, ...]
    passed: bool


def parse(output: str) -> Outcome:
    """The figures in the output of prove. Raises ValueError if it has none."""
    found = re.search(r"^Files=(\d+), Tests=(\d+),", output, re.MULTILINE)
    if found is None:
        raise ValueError(f"prove ended without its summary: {output.strip()[-300:]}")
    failed = tuple(re.findall(r"^\s*((?:Failed tests?|Parse errors|Non-zero exit status): .*)$", output, re.MULTILINE))
    return Outcome(int(found[1]), int(found[2]), failed, "\nResult: PASS" in output)


def wait_for(control: Control, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers at its control socket and the mount answers statfs(2). Raises RuntimeError."""
    deadline = time.monotonic() + READY_S
    while True:
        try:
            control.wait("replied", "statfs", timeout=READY_S)
            return
        except ControlError as error:
            # The server has not started to listen yet, or it has ended.
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"fakefs did not start: {error}") from None
        time.sleep(0.01)


@contextmanager
def mounted(name: str) -> Iterator[Path]:
    """A fakefs by this binding, mounted for the time of the block. Raises RuntimeError if the server ends before it."""
    folder = tempfile.mkdtemp(prefix="fakefs-pjdfstest-")
    # The suite walks down from here as other users.
    os.chmod(folder, 0o755)
    mount, socket = Path(folder, "mnt"), Path(folder, "control")
    mount.mkdir()
    argv = [sys.executable, "-P", "-m", "fakefs", str(mount), "--control", str(socket), *OPTIONS]
    environment = {**os.environ, binding.VARIABLE: name, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL)
    try:
        wait_for(Control(socket), server)
        yield mount
        if server.poll() is not None:
            raise RuntimeError(f"fakefs ended before the suite did, with status {server.returncode}")
    finally:
        server.terminate()
        server.wait()
        # A server that was killed leaves its mount, and a folder with a dead mount cannot be removed.
        subprocess.run(["umount", "--lazy", str(mount)], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder)


def run(suite: Path, name: str, jobs: int) -> Outcome:
    """The suite's outcome on a fakefs by this binding."""
    with mounted(name) as mount:
        argv = ["prove", "--recurse", "--jobs", str(jobs), str(suite / "tests")]
        done = subprocess.run(
            argv, cwd=mount, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace", check=False
        )
    return parse(done.stdout)


def loadable() -> list[str]:
    """The bindings that can be loaded here. Each is tried in a process of its own, for it stays loaded."""
    code = "from fakefs import binding; binding.load()"
    found = []
    for name in binding.KINDS:
        environment = {**os.environ, binding.VARIABLE: name, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-P", "-c", code], env=environment, stderr=subprocess.DEVNULL, check=False
        )
        if done.returncode == 0:
            found.append(name)
    return found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.posix.pjdfstest", description="Run pjdfstest on fakefs.")
    parser.add_argument("path", type=Path, help="a checkout of pjdfstest with its program built")
    parser.add_argument(
        "--fuse", choices=list(binding.KINDS), action="append", help="use this binding only; repeatable"
    )
    parser.add_argument("--jobs", type=int, default=1, help="how many test files run at the same time (default 1)")
    options = parser.parse_args(argv)
    suite = options.path.resolve()
    if not os.access(suite / "pjdfstest", os.X_OK) or not (suite / "tests").is_dir():
        parser.error(f"{suite}: no built pjdfstest; in it: autoreconf -ifs && ./configure && make pjdfstest")
    if os.geteuid() != 0 or shutil.which("prove") is None:
        parser.error("needs root, and prove (Debian: perl)")
    names = options.fuse or loadable()
    if not names:
        parser.error("no binding to libfuse can be loaded; python -m fakefs --version says why")
    passed = True
    for name in names:
        try:
            outcome = run(suite, name, options.jobs)
        except (RuntimeError, ValueError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        print(f"{name}: {'passed' if outcome.passed else 'FAILED'}: {outcome.tests} tests in {outcome.files} files")
        for line in outcome.failed:
            print(f"  {line}")
        passed &= outcome.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
