"""Text of a hang that a guest's own kernel and tools print: explain names the cause that diagnose names."""

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


def test_each_tool_s_text_leads_to_what_diagnose_names(symbols: Path) -> None:
    python = f"{shlex.quote(sys.executable)} -P -c"
    part = f"echo '{MARK}'"
    script = "; ".join(
        (
            "echo 1 > /proc/sys/kernel/hung_task_timeout_secs",
            "echo 1 > /proc/sys/kernel/hung_task_check_interval_secs",
            f"{inside.FUSEZAP} run close-self --keep >/dev/null",
            f"{part}; {inside.FUSEZAP} diagnose --json | tee /tmp/found",
            f"pids=$({python} {shlex.quote(PIDS)} </tmp/found)",
            f"sleep 5; {part}; dmesg | grep -A40 'blocked for more'",
            f"dmesg -C; echo w > /proc/sysrq-trigger; {part}; dmesg",
            f'{part}; for p in $pids; do echo "==> /proc/$p/stack <=="; cat /proc/$p/stack; done',
            f"{part}; {python} {shlex.quote(DRGN)} {shlex.quote(str(symbols))} $pids",
        )
    )
    _, diagnosed, hung, blocked, stacks, drgn = inside.told(WITH_SYMBOLS, script, deadline_s=600).split(MARK)
    (finding,) = json.loads(diagnosed)["findings"]
    kinds = {each["kind"] for each in finding["blockers"]}
    for text in (hung, blocked, stacks, drgn):
        found = explained(text)
        assert found["kind"] in kinds, text[:3000]
        assert found["certainty"] == "likely"
    assert explained(hung)["kernel"].startswith("6.1.")
