"""Programs that wait on this kernel: the table explains each, and so does the text of its stack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.explain.explanation import explain
from harness.explain.judged import judged, rests
from harness.explain.read import read
from tests.live.waits import PROGRAMS, waiting

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the programs are for x86_64")


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_wait_that_was_made_here_is_explained(kind: str) -> None:
    with waiting(kind) as pid:
        text = f"==> /proc/{pid}/stack <==\n{Path(f'/proc/{pid}/stack').read_text()}"
        text += f"==> /proc/{pid}/status <==\n{Path(f'/proc/{pid}/status').read_text()}"
    paste = read(text)
    assert [task.pid for task in paste.tasks] == [pid]
    found = judged(paste.tasks[0])
    assert found.kind == kind, text
    assert explain(paste).kind == ("unknown" if rests(found) else kind)
