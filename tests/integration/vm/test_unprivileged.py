"""The user without rights that QEMU runs as, tried: what it reaches, and what it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.vm.unprivileged import User, closed, view
from tests.conftest import require
from tests.unit.vm.test_unprivileged import UID


def told(user: User, script: str, *words: str) -> str:
    ended = subprocess.run(
        (*user.prefix, "sh", "-c", script, "sh", *words), capture_output=True, text=True, timeout=60, check=False
    )
    return ended.stdout + ended.stderr


def test_it_has_no_rights_and_dies_with_us() -> None:
    require("setpriv", root=True)
    status = told(User(UID, (12345,)), "cat /proc/self/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (lines["Uid"], lines["Gid"], lines["Groups"].strip()) == ("\t".join([str(UID)] * 4),) * 2 + ("12345",)
    assert {lines[f"Cap{kind}"] for kind in ("Eff", "Prm", "Inh", "Amb")} == {"0" * 16}
    assert lines["NoNewPrivs"] == "1"
    script = "import ctypes; it = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(it)); print(it.value)"
    argv = (*User(UID).prefix, "/proc/self/fd/0", "-I", "-c", script)
    with open(sys.executable, "rb") as python:
        ended = subprocess.run(argv, stdin=python, capture_output=True, text=True, check=False)
    assert ended.stdout == "9\n", ended.stderr


def test_what_is_needed_is_shown_in_place_of_the_closed_folder(open_folder: Path, private_folder: Path) -> None:
    require("setpriv", "unshare", root=True)
    above = open_folder / "above"
    above.mkdir()
    script = 'cat "$1/file" && ls -A "$2" && cat "$2/secret"'
    hidden = User(UID, (), view(closed([private_folder]), above / "view", kvm=False))
    assert "Permission denied" in told(User(UID), script, str(private_folder), str(open_folder / "home"))
    seen = told(hidden, script, str(private_folder), str(open_folder / "home"))
    assert seen.startswith("for alla b\n")
    assert "not for all" not in seen
    mounted = Path("/proc/self/mountinfo").read_text()
    assert str(open_folder) not in mounted, "only its own namespace has the mounts"


def test_the_shared_folder_in_a_closed_one_is_reached_too(private_folder: Path) -> None:
    """As with TMPDIR in the home folder of root: what the view is made of lies in there as well."""
    require("setpriv", "unshare", root=True)
    user = User(UID, (), view(closed([private_folder]), private_folder / "view", kvm=False))
    assert told(user, 'cat "$1/file"', str(private_folder)) == "for all"
