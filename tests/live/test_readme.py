"""The output that the README shows is what the command prints."""

from __future__ import annotations

import os
import re

from tests.live.conftest import Fusezap
from tests.meta.tree import ROOT


def shape(line: str) -> str:
    """A line without what differs from run to run: names of runs, numbers of tasks and connections, times."""
    return re.sub(r"\d+(?:\.\d+)?", "N", re.sub(r"fusezap-[0-9a-f]{12}", "NAME", line.strip()))


def test_the_output_in_the_readme_is_real(fusezap: Fusezap) -> None:
    block = re.search(r"^```console\n\$ \./fusezap run\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert block
    shown = [shape(line) for line in block[1].splitlines()]
    ended = fusezap("run", env={**os.environ, "COLUMNS": "160"})  # no line is folded
    assert (ended.returncode, ended.stderr) == (0, "")
    printed = iter([shape(line) for line in ended.stdout.splitlines()])
    assert len(shown) == 12
    assert [line for line in shown if line not in printed] == []  # `in` consumes: the order is the same, too
