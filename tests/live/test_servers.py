"""Packaged FUSE servers of two kinds, killed in containers: many threads and a FLUSH, and one thread without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from harness.servers import catalogue
from tests.conftest import require
from tests.live.conftest import NOTHING, Fusezap, traces
from tests.live.situations import until


def needs(name: str) -> None:
    _, missing = catalogue.find(catalogue.server(name))
    if missing:
        pytest.skip("; ".join(missing))
    require(root=True)


def measured(fusezap: Fusezap, name: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The outcomes by workload and way of dying."""
    needs(name)
    done = fusezap("servers", name, "--json", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (server,) = json.loads(done.stdout)["servers"]
    assert server["good"]
    assert server["version"]
    assert server["library"].startswith("libfuse")
    assert server["flush"] is (name == "unionfs-fuse")
    cells = {(cell["workload"], cell["death"]): cell for cell in server["cells"]}
    assert len(cells) == 6
    for (workload, _), cell in cells.items():
        if workload == "client":
            assert (cell["server"]["outcome"], cell["neighbour"]["outcome"]) == ("released", "released")
            assert not cell["holds_own"]
    return cells


def test_one_of_many_threads_that_holds_a_file_of_its_own_mount_hangs_in_its_flush(fusezap: Fusezap) -> None:
    cells = measured(fusezap, "unionfs-fuse")
    for death in ("container", "server"):
        cell = cells["nested", death]
        assert cell["holds_own"]
        assert (cell["server"]["outcome"], cell["neighbour"]["outcome"]) == ("deadlock", "deadlock")
        assert {("unionfs", "fuse_flush")} <= {(task["comm"], task["function"]) for task in cell["server"]["stuck"]}
        assert cell["server"]["released_ms"] is not None
        assert "fuse_flush()" in cell["why"]


def test_a_single_thread_waits_for_itself_and_a_kill_ends_that(fusezap: Fusezap) -> None:
    """bindfs has no FLUSH either: its own exit asks nothing."""
    cells = measured(fusezap, "bindfs")
    for death in ("container", "server", "exit"):
        cell = cells["nested", death]
        assert (cell["waits_for_itself"], cell["holds_own"], cell["threads"]) == (True, False, 1)
        assert cell["server"]["outcome"] == "released"
    assert cells["nested", "exit"]["needed_kill"], "SIGTERM does not end the wait"


def test_nothing_is_left_when_it_is_interrupted_while_a_server_hangs() -> None:
    needs("unionfs-fuse")
    argv = [sys.executable, "-P", "-m", "harness", "servers", "unionfs-fuse"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "deadlock" in line:
                break
        os.kill(process.pid, signal.SIGINT)
        process.stderr.read()
        assert process.wait(60) == 128 + signal.SIGINT
    until("nothing is left", lambda: traces() == NOTHING)
