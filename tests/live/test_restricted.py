"""Machines that allow less: no root, no user namespaces, no room.

Each is made in a private mount namespace, so that nothing of this machine changes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import harness

CHECKOUT = Path(harness.__file__).parents[1]
NOBODY = "65534"

_AS_NOBODY = """\
set -e
dir=$1; shift
as_nobody() { setpriv --reuid NOBODY --regid NOBODY --clear-groups "$@"; }
mount -t tmpfs -o mode=755 none "$dir"

# Folders that only root may search, such as root's own home, are covered by searchable ones that show what is needed.
hidden=
for path in "$PYTHON_BASE" "$PYTHON_ENV" "$CHECKOUT"; do
    as_nobody test -x "$path/." && continue
    hidden="$hidden $path"
    mkdir -p "$dir/real$path"
    mount --bind "$path" "$dir/real$path"
done
for path in $hidden; do
    top=/$(echo "$path" | cut -d/ -f2)
    as_nobody test -x "$top/." || mount -t tmpfs -o mode=755 none "$top"
    mkdir -p "$path"
    mount --bind "$dir/real$path" "$path"
done

# A machine without fusectl, in this namespace alone.
while umount /sys/fs/fuse/connections 2>/dev/null; do :; done
mknod "$dir/fuse" c 10 229
chmod 666 "$dir/fuse"
mount --bind "$dir/fuse" /dev/fuse
mkdir -m 777 "$dir/run"
unset FUSEZAP_RUN_DIR
export XDG_RUNTIME_DIR="$dir/run" HOME="$dir"
cd /
eval "$SETUP"
as_nobody "$@"
""".replace("NOBODY", NOBODY)

_NO_USER_NAMESPACES = [
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    'echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all --bounding-set=-all "$@"',
    "sh",
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """pytest's own folders are closed to other users."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def as_nobody(
    folder: Path, *arguments: str, setup: str = ":", wrapper: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """`python -m harness ARGUMENTS` as a user without any right, with a /dev/fuse that all may open."""
    env = {
        **os.environ,
        "PYTHON_BASE": sys.base_prefix,
        "PYTHON_ENV": sys.prefix,
        "CHECKOUT": str(CHECKOUT),
        "PYTHONPATH": str(CHECKOUT),
        "SETUP": setup,
    }
    script = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _AS_NOBODY, "sh", str(folder)]
    program = [*wrapper, sys.executable, "-P", "-m", "harness", *arguments]
    return subprocess.run([*script, *program], env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [("exit-flush-self", "deadlock"), ("exit-flush-peer-outside", "starved"), ("healthy", "released")],
)
def test_without_root_it_uses_a_user_namespace(folder: Path, scenario: str, outcome: str) -> None:
    done = as_nobody(folder, "run", scenario, "--format", "json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["mode"] == "user-namespace"
    assert result["outcome"] == outcome
    assert result["leftovers"] == []
    assert all(task["stack"] is None for task in result["tasks"])
    if outcome == "deadlock":
        assert all(check["holds"] for check in result["form"]), result["form"]
        assert (result["proof"], result["conditions"]) == ("complete", []), "the launcher knows every reference"


def test_where_abort_files_may_be_opened_abort_is_used(folder: Path) -> None:
    setup = "mount -t fusectl none /sys/fs/fuse/connections"
    done = as_nobody(folder, "run", "--format", "json", setup=setup)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["resolution"]["action"] == "abort"
    assert result["resolution"]["released"]


def test_futile_attempts_never_take_the_last_means_away(folder: Path) -> None:
    done = as_nobody(folder, "run", "--futile", "--format", "json")
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["resolution"]["action"] == "unmount"
    assert result["leftovers"] == []


def test_where_user_namespaces_are_off_it_says_what_to_enable(folder: Path) -> None:
    done = as_nobody(folder, "run", wrapper=_NO_USER_NAMESPACES)
    assert done.returncode == 2
    assert "sysctl user.max_user_namespaces" in done.stderr
    assert "root lacks CAP_SYS_ADMIN" in done.stderr


def test_where_the_device_may_not_be_opened_it_says_so(folder: Path) -> None:
    done = as_nobody(folder, "run", setup='chmod 600 "$dir/fuse"')
    assert done.returncode == 2
    assert "/dev/fuse may not be opened" in done.stderr


def test_a_full_run_folder_is_told_and_leaves_nothing(folder: Path) -> None:
    setup = 'mount -t tmpfs -o size=16k,mode=777 none "$dir/run"; dd if=/dev/zero of="$dir/run/fill" 2>/dev/null || :'
    done = as_nobody(folder, "run", setup=setup)
    assert done.returncode == 2, done.stdout
    assert "No space left" in done.stderr
