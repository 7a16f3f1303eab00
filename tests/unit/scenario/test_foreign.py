"""The user's own server as a scenario."""

from __future__ import annotations

import shutil

import pytest

from harness.errors import UsageError
from harness.launch import argv
from harness.launch.argv import Places
from harness.scenario import foreign

PLACES = Places(("python", "-P", "-m"), "run", "/run/x/mnt", "/run/x/journal", "/run/x/control")


def test_the_mount_point_is_filled_in_wherever_it_is_named() -> None:
    made = foreign.scenario("true -o 'a b' {mountpoint} --again={mountpoint}", "{mountpoint}/file")
    true = shutil.which("true")
    server, holder = argv.inside(made, PLACES)
    assert server == [true, "-o", "a b", "/run/x/mnt", "--again=/run/x/mnt"]
    assert holder[-1] == "/run/x/mnt/run/x/mnt/file"


def test_without_a_file_the_mount_itself_is_held() -> None:
    _, holder = argv.inside(foreign.scenario("true {mountpoint}", None), PLACES)
    assert holder[-1] == "/run/x/mnt/"


@pytest.mark.parametrize(
    ("command", "hold", "words"),
    [
        ("true", None, "does not say where to mount"),
        ("no-such-program {mountpoint}", None, "no program that can be found"),
        ("true '{mountpoint}", None, "No closing quotation"),
        ("true {mountpoint}", "file", "is no path on the mount"),
    ],
)
def test_what_cannot_be_run_is_refused(command: str, hold: str | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        foreign.scenario(command, hold)
