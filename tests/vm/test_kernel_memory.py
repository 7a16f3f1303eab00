"""The complete proof out of the kernel's memory: live, without debug information, and out of a crash dump."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.kernels import spec as kernel_spec
from tests.vm import inside
from tests.vm.conftest import WITH_SYMBOLS, fusezap

pytestmark = pytest.mark.slow

DETACH = """\
import json, subprocess, sys
for finding in json.load(open(sys.argv[1]))["findings"]:
    for each in finding["remedies"]:
        if each["action"] == "unmount":
            command = each["command"].replace(",9)", ",10)")  # MNT_DETACH for MNT_FORCE
            subprocess.run(command, shell=True, check=True)
"""
MARK = "--- a document ---"


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in text.split(MARK)[1:]]


def test_live_by_btf_every_hang_is_told_apart_even_without_its_mount() -> None:
    diagnose = f"echo '{MARK}'; {inside.FUSEZAP} diagnose --json"
    hang = f"{inside.FUSEZAP} run exit-flush-self --keep >/dev/null"
    alive = f"{inside.FUSEZAP} run close-outside --keep >/dev/null"
    detach = f"{shlex.quote(sys.executable)} -P -c {shlex.quote(DETACH)} /tmp/first"
    script = f"{hang}; {hang}; {alive}; {diagnose} | tee /tmp/first; {detach}; {diagnose}"
    seen, detached = documents(inside.told(WITH_SYMBOLS, script, deadline_s=600))
    assert not [each for each in seen["unseen"] if "kernel memory" in each]
    verdicts = sorted((each["outcome"], each.get("proof")) for each in seen["findings"])
    assert verdicts == [("deadlock", "complete"), ("deadlock", "complete"), ("starved", None)]
    numbers = {each["init_pid"]: each["connection"]["number"] for each in seen["findings"]}
    assert len(set(numbers.values())) == 3
    outcomes = {each["init_pid"]: each["outcome"] for each in seen["findings"]}
    for finding in detached["findings"]:
        connection = finding["connection"]
        assert finding["outcome"] == outcomes[finding["init_pid"]]
        assert connection["number"] == numbers[finding["init_pid"]], "no mount tells: the request does"
        (request,) = connection["requests"]
        assert request["opcode"] == "FUSE_FLUSH"
        assert request["tid"] == finding["blockers"][0]["tid"]
        assert request["for_s"] > 0
        assert "abort" in {remedy["action"] for remedy in finding["remedies"]}


def test_a_dump_of_the_hang_gives_the_same_verdict(symbols: Path, tmp_path: Path) -> None:
    vmcore = tmp_path / "vmcore"
    ran = fusezap("run", "exit-flush-self", "--kernel", WITH_SYMBOLS, "--dump", str(vmcore))
    assert ran.returncode == 0, ran.stderr
    assert "resolved by abort" in ran.stdout, "the guest went on"
    assert f"drgn -c {vmcore}" in ran.stderr
    assert f"crash /usr/lib/debug/boot/vmlinux-{kernel_spec.find(WITH_SYMBOLS, print).release} {vmcore}" in ran.stderr
    assert "] virtiofs " in vmcore.with_name("vmcore.dmesg").read_text()

    judged = fusezap("judge", "--vmcore", str(vmcore), "--debug-info", str(symbols), "--format", "json")
    assert judged.returncode == 1, judged.stderr
    (finding,) = json.loads(judged.stdout)["findings"]
    assert (finding["outcome"], finding["proof"], finding["kind"]) == ("deadlock", "complete", "fuse-flush-exit")
    (request,) = finding["connection"]["requests"]
    assert (request["opcode"], request["path"], request["state"]) == ("FUSE_FLUSH", "/held", "not read by any server")
    assert not any(each["command"] or each["by_fusezap"] for each in finding["remedies"]), "its machine is gone"

    without = fusezap("judge", "--vmcore", str(vmcore))
    assert without.returncode not in (0, 1)
    assert "no debug information of the kernel" in without.stderr
