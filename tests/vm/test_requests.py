"""The request itself, out of the kernel's memory: on a kernel of which debug information can be had."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.kernels import apt
from harness.kernels import spec as kernel_spec
from harness.kernels import store as kernel_store
from tests.conftest import require
from tests.vm import inside

pytestmark = pytest.mark.slow

KERNEL = "debian:bookworm:cloud-amd64"
"""Its debug information is a third of the others'."""
DETACH = """\
import json, subprocess, sys
for finding in json.load(open(sys.argv[1]))["findings"]:
    (unmount,) = (each["command"] for each in finding["remedies"] if each["action"] == "unmount")
    subprocess.run(unmount.replace(",1)", ",2)"), shell=True, check=True)  # MNT_DETACH for MNT_FORCE
"""
MARK = "--- a document ---"


@pytest.fixture(scope="module")
def debug_info() -> Iterator[Path]:
    """In the user's cache, for a guest sees this machine's files, but not those in its /tmp."""
    require("apt-get", "dpkg-deb", "tar", root=True)
    release = kernel_spec.find(KERNEL, print).release
    archive = apt.suite("bookworm", print)
    kernel_store.base().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=kernel_store.base()))
    try:
        with archive.alone(), archive.downloaded(archive.files((f"linux-image-{release}-dbg",)), print) as (package,):
            wanted = (f"./usr/lib/debug/boot/vmlinux-{release}", "*/kernel/fs/fuse/fuse.ko")
            extract = f"dpkg-deb --fsys-tarfile {shlex.quote(str(package))} | tar -x --wildcards {shlex.join(wanted)}"
            subprocess.run(["sh", "-c", extract], cwd=folder, check=True)
        yield folder / "usr/lib/debug"
    finally:
        shutil.rmtree(folder)


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in text.split(MARK)[1:]]


def test_the_request_its_opcode_and_its_file_are_named(debug_info: Path) -> None:
    diagnose = f"echo '{MARK}'; {inside.FUSEZAP} diagnose --json"
    with_drgn = f"{diagnose} --debug-info {shlex.quote(str(debug_info))}"
    hang = f"{inside.FUSEZAP} run exit-flush-self --keep >/dev/null"
    detach = f"{shlex.quote(sys.executable)} -P -c {shlex.quote(DETACH)} /tmp/first"
    script = (
        f"{hang}; {hang}; {diagnose}; {inside.FUSEZAP} diagnose --json >/tmp/first; {detach}; {diagnose}; {with_drgn}"
    )
    text = inside.told(KERNEL, script, memory_mib=3072)
    bare, detached, known = documents(text)

    assert [each["connection"]["requests"] for each in bare["findings"]] == [[], []]
    assert any("no debug information of kernel" in each for each in bare["unseen"]), bare["unseen"]
    assert [each["connection"] for each in detached["findings"]] == [None, None], "no mount tells"

    numbers = {each["init_pid"]: each["connection"]["number"] for each in bare["findings"]}
    assert len(known["findings"]) == 2
    for finding in known["findings"]:
        connection = finding["connection"]
        assert connection["number"] == numbers[finding["init_pid"]], "the request tells"
        (request,) = connection["requests"]
        assert (request["opcode"], request["path"], request["state"]) == (
            "FUSE_FLUSH",
            "/held",
            "not read by any server",
        )
        assert request["tid"] == finding["blockers"][0]["tid"]
        assert request["for_s"] > 0
        assert "abort" in {remedy["action"] for remedy in finding["remedies"]}
