"""The text of a hang that was made here is explained as the hang itself is diagnosed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.linux.fusectl import fusectl_opened
from tests.live.conftest import Fusezap
from tests.live.situations import Situations, built, killed
from tests.live.test_diagnose import diagnosed


@pytest.fixture
def situations(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Situations]:
    with fusectl_opened() as ctl:
        assert ctl is not None, "no hang without the means to end it"
        with Situations(built(tmp_path_factory.mktemp("situations")), tmp_path, ctl) as made:
            yield made


def stacks(pid: int) -> str:
    """As `head -50 /proc/PID/task/*/stack` prints them; a process that is stuck may be read so, its cmdline not."""
    text = ""
    for task in sorted(Path(f"/proc/{pid}/task").iterdir()):
        text += f"==> {task}/stack <==\n{(task / 'stack').read_text()}\n"
    return text


def explained(text: str) -> dict[str, object]:
    command = [sys.executable, "-P", "-m", "harness", "explain", "--json"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_the_stacks_of_hangs_are_explained_as_diagnose_names_them(fusezap: Fusezap, situations: Situations) -> None:
    for action, operation in (("hold", "flush"), ("close", "flush"), ("read", "read"), ("getattr", "getattr")):
        killed(situations.container("serve", operation, situations.point(), action))
    findings = diagnosed(fusezap)["findings"]
    assert len(findings) == 4
    for finding in findings:
        for blocker in finding["blockers"]:
            found = explained(stacks(blocker["pid"]))
            assert (found["kind"], found["certainty"]) == (blocker["kind"], "likely")
        assert explained(stacks(finding["init_pid"]))["kind"] == "namespace-init"
