"""An error is never a verdict: whatever goes wrong, there is a message and a status that no answer has."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.unit.kernels.roots import IMAGE

CHECKOUT = Path(__file__).parents[2]
RECORDED = CHECKOUT / "tests/data/6.18/exit-flush-self.json"
FUSEZAP = f"{sys.executable} -P -m harness"
COMMANDS = {
    "list": 2,
    "kernels": 2,
    f"judge {RECORDED}": 3,
    "diagnose": 3,
    "diagnose --json": 3,
    "check healthy": 128,
    "run healthy --format json": 2,
}
"""Words of errors, with the exit status of each."""


def shell(script: str, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), **changes}
    return subprocess.run(
        ["bash", "-c", script], env=env, capture_output=True, text=True, errors="replace", timeout=90, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("to", "words"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left")])
def test_an_output_that_takes_nothing(command: str, to: str, words: str) -> None:
    done = shell(f"{FUSEZAP} {command} {to}")
    assert (done.returncode, done.stdout) == (COMMANDS[command], "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["list", f"judge {RECORDED}", "diagnose"])
def test_a_reader_that_leaves(command: str) -> None:
    """As `head -1` does; it has left before the command begins."""
    reader, writer = os.pipe()
    os.close(reader)
    argv = [sys.executable, "-P", "-m", "harness", *command.split()]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, text=True, env=env, timeout=90, check=False)
    os.close(writer)
    assert done.returncode == COMMANDS[command]
    assert "whoever read the output is gone" in done.stderr


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_an_ascii_locale(locale: str) -> None:
    """The story of a recording holds signs that it lacks; so may a name."""
    settings = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    for command, status in ((f"judge {RECORDED}", 1), ("list", 0)):
        done = shell(f"{FUSEZAP} {command}", **settings)
        assert (done.returncode, done.stderr) == (status, "")
        assert done.stdout.isascii()


def test_too_few_descriptors() -> None:
    done = shell(f"ulimit -n 6; {FUSEZAP} check healthy")
    assert done.returncode == 125 or done.returncode >= 128
    assert done.stderr or "cannot tell" in done.stdout


def test_too_little_memory() -> None:
    """However little it is: a verdict that is right, or a status that is none."""
    seen = set()
    for kib in (200_000, 80_000, 50_000, 40_000):
        done = shell(f"ulimit -v {kib}; {FUSEZAP} judge {RECORDED}")
        seen.add(done.returncode)
        assert done.returncode in (1, 3, 127) or done.stderr
        if done.returncode == 1:
            assert "DEADLOCK" in done.stdout or "Fatal Python error" in done.stderr
    assert 1 in seen


@pytest.mark.parametrize("closed", ["0<&-", "2>&-", "0<&- 2>&-"])
def test_other_streams_may_be_closed(closed: str) -> None:
    """The first file that is opened would take the number of one that is closed."""
    done = shell(f"{FUSEZAP} judge {RECORDED} --format json {closed}")
    assert done.returncode == 1
    assert done.stdout.startswith("{")


@pytest.fixture
def commits(tmp_path: Path) -> Path:
    require("git")
    identity = "-c user.name=nobody -c user.email=nobody@localhost"
    script = f"git init -q; for n in 1 2 3 4 5; do echo $n >file; git add file; git {identity} commit -qm $n; done"
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system with no block left."""
    require("mount", root=True)
    folder = tmp_path_factory.mktemp("full")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "fusezap-full", folder], check=True)
    try:
        (folder / "all").write_bytes(bytes(4096))
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def bisected(step: str, commits: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), **changes}
    script = f"git bisect start HEAD HEAD~4 && git bisect run sh -c {shlex.quote(step)}"
    return subprocess.run(
        ["bash", "-c", script], cwd=commits, env=env, capture_output=True, text=True, timeout=90, check=False
    )


def names_no_commit(done: subprocess.CompletedProcess[str]) -> bool:
    told = done.stdout + done.stderr
    assert "bisect run failed" in told, f"the step was never run, or was taken for an answer: {told}"
    return done.returncode != 0 and "is the first bad commit" not in told and "first 'bad' commit" not in told


BROKEN = """
from harness.commands import check
def broken(*_):
    raise ZeroDivisionError("a bug")
check._plan = broken
check._options = broken
"""


@pytest.mark.parametrize(
    "step",
    [
        f"{FUSEZAP} check healthy --kernal .",
        f"{FUSEZAP} chekc healthy",
        f"{FUSEZAP} check helthy",
        f"{FUSEZAP} check healthy >/dev/full",
        f"PATH=/nowhere {FUSEZAP} check healthy --kernel {CHECKOUT}/fusezap",
        f"{sys.executable} -c 'import runpy, sys; exec(sys.argv.pop(1)); "
        'sys.argv[0] = "fusezap"; runpy.run_module("harness", run_name="__main__")\' "$BROKEN" check healthy',
    ],
    ids=["a wrong option", "a wrong command", "a wrong scenario", "a full disk", "no image", "a traceback"],
)
def test_a_bisect_stops_and_names_no_commit(step: str, commits: Path) -> None:
    done = bisected(step, commits, BROKEN=BROKEN)
    assert names_no_commit(done), done.stdout + done.stderr


def test_a_bisect_without_qemu_stops(commits: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The image is a kernel, and what starts it is missing."""
    tools = tmp_path_factory.mktemp("tools")
    for name in ("sh", "depmod", "modprobe", "busybox", "setpriv"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    image = tools / "bzImage"
    image.write_bytes(IMAGE)
    step = f"PATH={tools} {FUSEZAP} check healthy --kernel {image}"
    done = bisected(step, commits, XDG_CACHE_HOME=str(tools))
    assert "not there: qemu-system-x86_64" in done.stderr
    assert names_no_commit(done), done.stdout + done.stderr


@pytest.mark.parametrize("where", ["FUSEZAP_RUN_DIR", "TMPDIR XDG_CACHE_HOME"])
def test_a_bisect_on_a_full_disk_stops(where: str, commits: Path, full: Path) -> None:
    """The places where a run keeps its folder, and where the machine's folder and the kernel's entry are made."""
    kernel = f" --kernel {full.parent}/bzImage" if "TMPDIR" in where else ""
    (full.parent / "bzImage").write_bytes(IMAGE)
    done = bisected(f"{FUSEZAP} check healthy{kernel}", commits, **dict.fromkeys(where.split(), str(full / "below")))
    assert "No space left" in done.stderr, done.stderr
    assert names_no_commit(done), done.stdout + done.stderr
