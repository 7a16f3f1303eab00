"""Machines that are not as usual: a chroot, a hidden fusectl, a /proc that shows less, no device."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness.guard import rundir

CHECKOUT = Path(__file__).parents[2]
_CHROOT = """
for each in /*; do
    case $each in /lost+found) continue ;; esac
    if [ -h "$each" ]; then cp -a "$each" "$1"; continue; fi
    [ -d "$each" ] || continue
    mkdir -p "$1$each" && mount --rbind "$each" "$1$each"
done
shift
"""


def elsewhere(setup: str, folder: Path, *words: str, wrap: str = "") -> subprocess.CompletedProcess[str]:
    """A command in a mount namespace that `setup` has changed; `$1` is the folder."""
    command = shlex.join([sys.executable, "-P", "-m", "harness", *words])
    script = f"set -e; {setup}\ncd /\nexec {wrap} {command}"
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(folder), str(folder)]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "FUSEZAP_RUN_DIR": str(rundir.base())}
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=90, check=False)


def test_a_chroot_whose_root_is_no_mount_point(tmp_path: Path) -> None:
    """As schroot, debootstrap and many CI systems have it."""
    folder = tmp_path / "root"
    folder.mkdir()
    before = Path("/proc/self/mountinfo").read_text().count("\n")
    done = elsewhere(_CHROOT, folder, "run", "exit-flush-self", "--format", "json", wrap=f"chroot {folder}")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert (result["outcome"], result["leftovers"]) == ("deadlock", [])
    assert Path("/proc/self/mountinfo").read_text().count("\n") == before, "nothing was mounted on the host"


def test_a_hidden_fusectl(tmp_path: Path) -> None:
    done = elsewhere("mount -t tmpfs none /sys/fs/fuse/connections", tmp_path, "check", "exit-flush-self")
    assert done.returncode == 1, done.stderr
    assert "deadlock" in done.stdout


@pytest.mark.parametrize("options", ["hidepid=2", "subset=pid"])
def test_a_proc_that_shows_less(options: str, tmp_path: Path) -> None:
    """A verdict where it is enough, and no traceback where it is not."""
    done = elsewhere(f"mount -t proc -o {options} proc /proc", tmp_path, "check", "exit-flush-self")
    assert done.returncode in (1, 125, 128), done.stderr
    assert "Traceback" not in done.stderr


def test_no_device(tmp_path: Path) -> None:
    setup = "mount -t tmpfs none /dev; touch /dev/null"
    done = elsewhere(setup, tmp_path, "check", "exit-flush-self")
    assert done.returncode == 128
    assert "/dev/fuse is not there" in done.stderr
