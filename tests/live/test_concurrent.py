"""Runs beside each other do not disturb each other."""

from __future__ import annotations

import json
import subprocess
import sys


def test_twenty_at_once_are_all_judged_right() -> None:
    argv = [sys.executable, "-P", "-m", "harness", "run", "--format", "json"]
    wanted = {"exit-flush-self": "deadlock", "healthy": "released"}
    names = [name for _ in range(10) for name in wanted]
    running = [subprocess.Popen([*argv, name], stdout=subprocess.PIPE, text=True) for name in names]
    documents = [json.loads(each.communicate(timeout=120)[0]) for each in running]
    assert [each.returncode for each in running] == [0] * len(running)
    for name, document in zip(names, documents, strict=True):
        (result,) = document["results"]
        assert result["outcome"] == wanted[name], result["reasons"]
        assert result["leftovers"] == []
