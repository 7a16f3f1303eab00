"""A search that is killed goes on where it was: the same answer, and nothing is tested twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

SEARCH = """
import os, signal, sys
from pathlib import Path
from harness.bisect import journal, line
from harness.bisect.search import Answer, Plan, conclude

folder, last = Path(sys.argv[1]), int(sys.argv[2])
names = tuple(f"kernel-{number}" for number in range(100))

def test(revision):
    with (folder / "tested").open("a") as file:
        file.write(f"{revision}\\n")
    if len((folder / "tested").read_text().split()) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return line.Tested(Answer.HAS_IT if revision >= 37 else Answer.FREE, 1, "", "")

plan = Plan(100)
with journal.opened(folder / "journal", "where") as found:
    for _ in line.run(plan, names, line.in_turn(test), found):
        pass
    (change,) = conclude(plan, found.told(names)).changes
    print(change.before, change.after)
"""


def search(folder: Path, last: int) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-c", SEARCH, str(folder), str(last)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_search_that_is_killed_goes_on(tmp_path: Path) -> None:
    for last in (1, 4, 9):
        assert search(tmp_path, last).returncode == -signal.SIGKILL
    ended = search(tmp_path, 0)
    assert ended.stdout == "36 37\n", ended.stderr
    tested = (tmp_path / "tested").read_text().split()
    twice = len(tested) - len(set(tested))
    assert twice == 3, "only the test that was under way is made again"
