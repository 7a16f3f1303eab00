"""Text of hangs that a guest's own kernel and tools print: explain names the causes that diagnose names."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.vm import inside
from tests.vm.conftest import WITH_SYMBOLS

pytestmark = pytest.mark.slow

MARK = "--- a part ---"
HANGS = {
    "close-self": "fuse-request",
    "fsync-self": "fuse-request",
    "exit-flush-self": "fuse-flush-exit",
    "exit-flush-peer-outside": "fuse-flush-exit",
    "frozen-cgroup": "freezer",
    "tracer-outside": "ptrace",
}
"""Scenarios that keep a namespace from ending, and the cause of each."""
DRGN = """\
import sys
from pathlib import Path
import drgn
program = drgn.Program()
program.set_kernel()
folder = Path(sys.argv[1])
files = [each for name in ("vmlinux*", "fuse.ko") for each in folder.rglob(name) if each.is_file()]
program.load_debug_info(files)
for pid in sys.argv[2:]:
    task = program.thread(int(pid))
    print("Task", pid)
    print(task.stack_trace())
"""
PIDS = """\
import json, sys
print(" ".join(str(each["tid"]) for finding in json.load(sys.stdin)["findings"] for each in finding["blockers"]))
"""


def explained(text: str) -> dict[str, Any]:
    command = [sys.executable, "-P", "-m", "harness", "explain", "--json"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr + text[-3000:]
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def kinds(text: str) -> dict[int, str]:
    """The kind of each task that the text shows to be stuck, by its PID."""
    found = explained(text)
    return {each["task"]["pid"]: each["kind"] for each in (*found["blocks"], *found["queues"])}


def test_each_tool_s_text_leads_to_what_diagnose_names(symbols: Path) -> None:
    python = f"{shlex.quote(sys.executable)} -P -c"
    part = f"echo '{MARK}'"
    script = "; ".join(
        (
            "for each in timeout_secs check_interval_secs; do echo 1 > /proc/sys/kernel/hung_task_$each; done",
            "echo -1 > /proc/sys/kernel/hung_task_warnings",
            *(f"{inside.FUSEZAP} run {scenario} --keep >/dev/null" for scenario in HANGS),
            f"{part}; {inside.FUSEZAP} diagnose --json | tee /tmp/found",
            f"pids=$({python} {shlex.quote(PIDS)} </tmp/found)",
            f"sleep 5; {part}; dmesg",
            f"dmesg -C; echo w > /proc/sysrq-trigger; {part}; dmesg",
            f'{part}; for p in $pids; do echo "==> /proc/$p/stack <=="; cat /proc/$p/stack; done',
            f"{part}; {python} {shlex.quote(DRGN)} {shlex.quote(str(symbols))} $pids",
        )
    )
    _, diagnosed, hung, blocked, stacks, drgn = inside.told(WITH_SYMBOLS, script, deadline_s=600).split(MARK)
    findings = json.loads(diagnosed)["findings"]
    assert sorted(each["kind"] for each in findings) == sorted(HANGS.values())
    blockers = [each for finding in findings for each in finding["blockers"]]
    told = {each["tid"]: each["kind"] for each in blockers if each["kind"] != "ptrace"}
    assert set(told.values()) == set(HANGS.values()) - {"ptrace"}, "a dead task that is traced has no stack"
    frozen = {tid for tid, kind in told.items() if kind == "freezer"}
    for text in (hung, blocked, stacks, drgn):
        found = kinds(text)
        assert {tid: found.get(tid) for tid in told.keys() - frozen} == {
            tid: kind for tid, kind in told.items() if tid not in frozen
        }, text[:3000]
        assert {found.get(tid) for tid in frozen} <= {"freezer", None}, "a freezable sleep shows in no stack"
    for text in (stacks, drgn):  # neither the hung task detector nor sysrq-w shows a task that is frozen
        assert "freezer" in kinds(text).values(), text[:3000]
    assert explained(hung)["kernel"].startswith("6.1.")
