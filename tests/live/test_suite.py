"""A suite of a user's own, run on this kernel."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.live.conftest import Fusezap
from tests.meta.tree import ROOT

EXAMPLE = ROOT / "docs/examples/suite"


def test_the_example_is_run_and_its_failures_become_known(fusezap: Fusezap, tmp_path: Path) -> None:
    known, last = tmp_path / "known.toml", tmp_path / "last.json"
    common = ("suite", str(EXAMPLE), "--last", str(last), "--json")
    settings = {"env": {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}, "timeout": 300}
    done = fusezap(*common, "--write-known", str(known), **settings)
    assert done.returncode == 1, "this kernel has the defect, and the example expects that it has not"
    first = {each["case"]: each for each in json.loads(done.stdout)["results"]}
    failed = first.pop("exit-flush-self")
    assert (failed["status"], list(failed["outcomes"])) == ("fail", ["deadlock"])
    assert {each["status"] for each in first.values()} == {"pass"}
    assert sum(each["times"] for each in first["exit-flush-race"]["outcomes"].values()) == 5

    done = fusezap(*common, "--known", str(known), "-k", "exit-flush-self", "-k", "own-server", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    second = {each["case"]: each for each in json.loads(done.stdout)["results"]}
    assert {name: each["status"] for name, each in second.items()} == {"exit-flush-self": "known", "own-server": "pass"}
    assert second["exit-flush-self"]["before"] == {"status": "fail", "outcomes": {"deadlock": 1}}
    assert len(json.loads(last.read_text())["results"]) == 5, "the results of the other cases are kept"


def test_cases_are_listed_without_a_run(fusezap: Fusezap) -> None:
    done = fusezap("suite", str(EXAMPLE), "--list")
    assert done.returncode == 0
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == ["exit-flush-self", "exit-flush-race", "own-server", "programs", "slow-flush"]


def test_errors_say_what_to_do(fusezap: Fusezap, tmp_path: Path) -> None:
    for arguments, words in (
        ((str(tmp_path),), "has no case"),
        ((str(EXAMPLE), "-k", "none"), "there are: exit-flush-self"),
        ((str(EXAMPLE), "--format", "jnuit"), "near: junit"),
        ((str(EXAMPLE), "--known", str(tmp_path / "none")), "--write-known"),
        ((str(EXAMPLE), "--report", f"junit={tmp_path}/none/results.xml"), "no file can be written there"),
        ((str(EXAMPLE), "--kernels", ","), "names no kernel"),
    ):
        done = fusezap("suite", *arguments, "--last", str(tmp_path / "last.json"))
        assert done.returncode == 2
        assert words in done.stderr
