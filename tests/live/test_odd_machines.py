"""Machines that are not as usual: a chroot, a hidden fusectl, a /proc that shows less, no device."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.guard import rundir
from harness.linux import cgroup, procfs
from harness.linux.cgroup import Freezer
from harness.linux.polling import poll

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


_ENTERED = """
import os, sys
from harness.linux.propagation import make_mounts_private, make_root_of_namespace
from harness.linux.syscalls import CLONE_NEWNS, setns, unshare
unshare(CLONE_NEWNS)
make_mounts_private()
if "pivot" in sys.argv:
    make_root_of_namespace()
setns(os.open("/proc/self/ns/mnt", os.O_RDONLY), CLONE_NEWNS)
print(os.path.exists("/only-in-the-chroot"))
"""


@pytest.mark.parametrize("pivot", [True, False])
def test_who_enters_the_sandbox_of_a_chroot_is_in_the_chroot(pivot: bool, tmp_path: Path) -> None:
    """An exec into a container enters a mount namespace by setns(2), which leads to the root of that."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "only-in-the-chroot").touch()
    python = shlex.join([sys.executable, "-P", "-c", _ENTERED, *(["pivot"] if pivot else [])])
    script = f"set -e; {_CHROOT}\ncd /\nexec chroot {folder} {python}"
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(folder), str(folder)]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=90, check=False)
    assert (done.stdout, done.returncode) == (f"{pivot}\n", 0), done.stderr


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


def test_cgroup_v2_alone(tmp_path: Path) -> None:
    """No hierarchy of v1 is mounted: what freezes with v2 does, and what takes v1 says so."""
    setup = "umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"
    done = elsewhere(setup, tmp_path, "run", "frozen-cgroup-v2", "exit-flush-self", "--format", "json")
    results = {each["scenario"]: each for each in json.loads(done.stdout)["results"]}
    assert {name: each["outcome"] for name, each in results.items()} == {
        "frozen-cgroup-v2": "released",
        "exit-flush-self": "deadlock",
    }
    assert all(each["leftovers"] == [] for each in results.values())
    refused = elsewhere(setup, tmp_path, "check", "frozen-cgroup")
    assert refused.returncode == 125, refused.stderr
    assert "skipped (cgroup v1 freezer)" in refused.stdout


_LEADER = """
(read -r go <"$1/go"; {command} >"$1/out" 2>"$1/errors"; echo $? >"$1/partial"; mv "$1/partial" "$1/status") &
echo ready >"$1/ready"
wait
"""


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_a_session_leader_that_cannot_run(how: str, tmp_path: Path) -> None:
    """A leader that is stopped, or frozen with its terminal's job, holds no device: the verdict stays what it is."""
    os.mkfifo(tmp_path / "go")
    command = shlex.join([sys.executable, "-P", "-m", "harness", "check", "exit-flush-self"])
    argv = ["sh", "-c", _LEADER.format(command=command), "sh", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    leader = subprocess.Popen(argv, env=env, start_new_session=True)
    freezer = None
    try:
        assert poll(30, (tmp_path / "ready").exists)
        if how == "frozen":
            freezer = Freezer.make(f"{rundir.prefix()}-leader", 1 if cgroup.find(1) else 2)
            freezer.freeze([leader.pid])
        else:
            os.kill(leader.pid, signal.SIGSTOP)
        (tmp_path / "go").write_text("go\n")
        assert poll(90, (tmp_path / "status").exists)
        if how == "stopped":
            assert procfs.read_stat(leader.pid, leader.pid).state == "T"
    finally:
        os.kill(leader.pid, signal.SIGCONT)
        if freezer is not None:
            freezer.thaw()
        leader.wait(30)
        if freezer is not None:
            freezer.folder.rmdir()
    assert (tmp_path / "status").read_text() == "1\n", (tmp_path / "errors").read_text()
    assert "deadlock" in (tmp_path / "out").read_text()
