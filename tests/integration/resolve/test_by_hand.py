"""Commands that a person pastes: a name in them stays a name, whatever it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.resolve import by_hand

HOSTILE = (
    "x;touch PWNED;#",
    "$(touch PWNED)",
    "`touch PWNED`",
    "a'b\"c\\",
    "two\nlines",
    "\x1b[2Jclear",
    "\udcff\udcfe",
    "\N{GRINNING FACE}",
    "\u202eevil",
    "--help",
)
NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=30)


def assert_shows_as_it_is(command: str) -> None:
    assert command.isprintable()
    assert "\n" not in command


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_written_goes_to_that_file_and_nothing_else_happens(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    command = by_hand.write("THAWED", f"{tmp_path}/{name}/freezer.state")
    assert_shows_as_it_is(command)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert (tmp_path / name / "freezer.state").read_text() == "THAWED\n"
    assert os.listdir(tmp_path) == [name]


@given(words=st.lists(NAMES, min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_each_word_stays_one(words: list[str]) -> None:
    command = by_hand.command(("printf", "%s\\0", *words))
    assert_shows_as_it_is(command)
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.split(b"\0")[:-1] == [os.fsencode(word) for word in words]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_unmount_calls_what_it_says(name: str) -> None:
    """As Python sees the code once the shell has unquoted it."""
    point = f"/mnt/{name}"
    command = by_hand.unmount("/proc/self/task/self", point, by_hand.FORCE)
    assert_shows_as_it_is(command)
    assert command.startswith("python3 -I -c ")
    shown = subprocess.run(["bash", "-c", f"printf %s {command.removeprefix('python3 -I -c ')}"], capture_output=True)
    code = shown.stdout.decode()
    (call,) = (step for step in code.split("; ") if "umount2" in step)
    argument = call.partition("umount2(")[2].rpartition("),")[0]
    literal, flags = argument.rsplit(",", 1)
    assert eval(literal) == os.fsencode(point)
    assert int(flags) == 1 | 8, "MNT_FORCE and UMOUNT_NOFOLLOW"


def test_an_unmount_that_fails_says_so() -> None:
    """In this mount namespace, of a mount point that is none."""
    command = by_hand.unmount("/proc/self", "/no such mount", by_hand.DETACH)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr, "the reason"


def test_an_unmount_takes_nothing_from_the_folder_that_it_is_typed_in(tmp_path: Path) -> None:
    (tmp_path / "ctypes.py").write_text("open('PWNED', 'w')")
    command = by_hand.unmount("/proc/self", "/no such mount", by_hand.FORCE)
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run(["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, check=False)
    assert os.listdir(tmp_path) == ["ctypes.py"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root: it mounts")
@pytest.mark.parametrize("name", ["two\nlines", "a'b\"c", "\udcff", "\N{GRINNING FACE}", "x;touch PWNED;#"])
def test_a_mount_of_that_name_is_unmounted(name: str, tmp_path: Path) -> None:
    """In a mount namespace of its own, made by unshare(1); the mount is a tmpfs, which has no server to wait for."""
    (tmp_path / name).mkdir()
    script = (
        "import ctypes,os,subprocess,sys; c=ctypes.CDLL(None); p=os.fsencode(sys.argv[1]); "
        "assert c.mount(b'none',p,b'tmpfs',0,None)==0; "
        "done=subprocess.run(['bash','-c',sys.argv[2]]); "
        "print(done.returncode, os.path.ismount(p))"
    )
    command = by_hand.unmount("/proc/self", f"{tmp_path}/{name}", by_hand.DETACH)
    argv = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        sys.executable,
        "-c",
        script,
        f"{tmp_path}/{name}",
        command,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "0 False\n", done.stderr
