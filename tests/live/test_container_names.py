"""A container of a bare runtime, which has neither a daemon nor a shim, is found by the runtime's own record."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.diagnosis.identify import clerk_started
from harness.linux.process import Target
from harness.observe.snapshot import observe
from tests.conftest import require

V1 = 'mountpoint -q /sys/fs/cgroup/unified && umount /sys/fs/cgroup/unified; exec "$@"'
"""crun refuses control groups of both versions at once; so it gets a mount namespace of its own."""


def bundle(folder: Path, runtime: str) -> None:
    (folder / "rootfs/bin").mkdir(parents=True)
    shutil.copy(str(shutil.which("busybox")), folder / "rootfs/bin/busybox")
    subprocess.run([runtime, "spec"], cwd=folder, check=True)
    config = json.loads((folder / "config.json").read_text())
    config["process"] |= {"args": ["/bin/busybox", "sleep", "600"], "terminal": False}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_its_runtime_and_its_name(runtime: str, tmp_path: Path) -> None:
    require(runtime, "busybox", "unshare", root=True)
    bundle(tmp_path, runtime)
    name = f"fusezap-test-{os.getpid()}"
    apart = ["unshare", "--mount", "--propagation", "private", "sh", "-c", V1, "sh", runtime]
    started = [*apart, "run", "--detach", "--bundle", str(tmp_path), name]
    subprocess.run(started, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    try:
        state = subprocess.run([runtime, "state", name], capture_output=True, check=True)
        snapshot = observe(Target.of(json.loads(state.stdout)["pid"]), None)
        with clerk_started() as clerk:
            (found,) = clerk.identify((snapshot,))
    finally:
        subprocess.run([*apart, "delete", "--force", name], check=True)
    assert found is not None
    assert (found.runtime, found.id) == (runtime, name)
