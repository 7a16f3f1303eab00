"""The shell reads the script that makes the hang by hand, and words of others stay words."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness import catalogue
from harness.repro.forms import sh
from harness.scenario import Scenario
from tests.unit.repro.test_sh import SCENARIOS


@pytest.mark.parametrize("chosen", SCENARIOS, ids=lambda each: each.name)
def test_it_is_sound_shell(chosen: Scenario) -> None:
    done = subprocess.run(["sh", "-n"], input=sh.script(chosen), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


_TELLS = "import json, sys\nprint(json.dumps(sys.argv[1:]), file=open({file!r}, 'a'))"


HOSTILE = "/$(touch PWNED)`touch PWNED`$python$HOME';touch PWNED;'\"\\ \n*"


@pytest.mark.parametrize(
    "name", ["exit-flush-self", "exit-flush-peer-outside", "exit-flush-nested-namespace", "read-self"]
)
def test_words_of_others_stay_words(name: str, tmp_path: Path) -> None:
    """The programs are started by shells, as the script does it; a stand-in says what they got."""
    chosen = replace(catalogue.catalogue()[name], path=HOSTILE, summary="x\ntouch PWNED", mount_options=("a=$HOME",))
    told = tmp_path / "told"
    for program, text in {
        "unshare": '#!/bin/sh\nwhile [ "$1" != sh ]; do shift; done\nexec "$@"\n',
        "python": f"#!{sys.executable}\n{_TELLS.format(file=str(told))}\n",
    }.items():
        (tmp_path / program).write_text(text)
        (tmp_path / program).chmod(0o755)
    lines = (
        f"set -u; PATH={tmp_path}:$PATH; python={tmp_path}/python; name=it; dir='/a b\"$HOME'; export python dir name",
        "journalled() { :; }",
        sh.started(chosen),
        "wait",
    )
    done = subprocess.run(["sh", "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    words = [word for line in told.read_text().splitlines() for word in json.loads(line)]
    assert any(word.endswith(HOSTILE) for word in words), words
    assert '/a b"$HOME/mnt' in words
    assert "a=$HOME" in words
    assert "\ntouch" not in sh.script(chosen)
    assert not (tmp_path / "PWNED").exists()
