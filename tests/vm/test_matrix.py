"""A matrix of real machines: killed, it goes on; on a cluster whose worker is killed, it loses nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.linux.polling import wait_until
from harness.matrix import store
from harness.matrix.store import Query
from tests.conftest import gone
from tests.vm.conftest import KERNEL, PATIENCE_S, Started, emulator_below, fusezap

pytestmark = pytest.mark.slow

SCENARIOS = ("exit-flush-self", "exit-flush-peer-outside", "exit-flush-single-thread", "healthy", "flush-delayed")
OUTCOMES = {
    "exit-flush-self": "deadlock",
    "exit-flush-peer-outside": "starved",
    "exit-flush-single-thread": "deadlock",
    "healthy": "released",
    "flush-delayed": "released",
}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def same_kernel_as_files() -> str:
    """A second spec of the kernel, so that there are two columns after one download."""
    shown = json.loads(fusezap("kernels", "show", KERNEL, "--json").stdout)
    return f"{shown[0]['kernel']}:{shown[0]['modules']}"


def matrix(*specs: str) -> tuple[str, ...]:
    return ("matrix", "--kernels", ",".join(specs), "--scenarios", ",".join(SCENARIOS))


def cells() -> list[tuple[str, str, str]]:
    with store.opened() as opened:
        return [(cell.spec, cell.scenario, "+".join(cell.outcomes)) for cell in opened.cells(Query(all=True))]


def whole(*specs: str) -> list[tuple[str, str, str]]:
    return sorted((spec, scenario, OUTCOMES[scenario]) for spec in specs for scenario in SCENARIOS)


def wait_for_cells(number: int) -> None:
    wait_until(
        f"{number} cells are stored", PATIENCE_S, lambda: store.base().exists() and len(cells()) >= number, pause_s=0.05
    )


def test_a_killed_matrix_goes_on_where_it_was(started: Started) -> None:
    running, emulator = started(*matrix(KERNEL))
    wait_for_cells(2)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=30)
    assert gone(emulator)
    before = cells()
    assert 2 <= len(before) < len(SCENARIOS)
    ended = fusezap(*matrix(KERNEL))
    assert ended.returncode == 0, ended.stderr
    assert f"{len(before)} of {len(SCENARIOS)} cells are known already" in ended.stderr
    assert sorted(cells()) == whole(KERNEL)
    again = fusezap(*matrix(KERNEL), "--format", "json")
    assert len(json.loads(again.stdout)["series"]) == len(SCENARIOS)
    assert sorted(cells()) == whole(KERNEL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_matrix_leaves_no_machine_and_shows_what_it_has(
    started: Started, number: signal.Signals
) -> None:
    running, emulator = started(*matrix(KERNEL))
    wait_for_cells(1)
    os.kill(running.pid, number)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 128 + number
    assert gone(emulator)
    assert "exit-flush-self" in out
    assert "nothing is left behind" in err


def test_a_kernel_that_cannot_be_had_does_not_keep_the_others() -> None:
    ended = fusezap(*matrix(KERNEL, "debian:no-such-suite"))
    assert ended.returncode == 1
    assert "debian:no-such-suite" in ended.stderr
    assert sorted(cells()) == whole(KERNEL)


def test_the_results_can_be_exported() -> None:
    fusezap("matrix", "--kernels", KERNEL, "--scenarios", "exit-flush-self")
    (row,) = csv.DictReader(io.StringIO(fusezap("results", "--csv").stdout))
    assert (row["scenario"], row["deadlock"]) == ("exit-flush-self", "1")
    assert row["release"].startswith("6.1.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def dask(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "dask", *arguments, "--no-dashboard"], stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Each with one slot; address and worker processes."""
    address = f"tcp://127.0.0.1:{_free_port()}"
    with ExitStack() as stack:
        stack.enter_context(dask("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]))
        slot = ("--nthreads", "1", "--resources", "vm=1", "--no-nanny", "--local-directory", str(folder))
        yield address, [stack.enter_context(dask("worker", address, *slot)) for _ in range(workers)]


def test_a_killed_worker_loses_nothing_and_nothing_is_counted_twice(same_kernel_as_files: str, tmp_path: Path) -> None:
    specs = (KERNEL, same_kernel_as_files)
    with cluster(2, tmp_path) as (address, workers):
        argv = [sys.executable, "-P", "-m", "harness", *matrix(*specs), "--cluster", address]
        running = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        emulators = [emulator_below(each.pid) for each in workers]
        wait_for_cells(2)
        os.kill(workers[0].pid, signal.SIGKILL)
        _, err = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 0, err
        assert all(map(gone, emulators))
        assert sorted(cells()) == whole(*specs)


def test_an_interrupted_client_ends_what_its_cluster_does(tmp_path: Path) -> None:
    with cluster(1, tmp_path) as (address, (worker,)):
        argv = [sys.executable, "-P", "-m", "harness", *matrix(KERNEL), "--cluster", address]
        running = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        emulator = emulator_below(worker.pid)
        os.kill(running.pid, signal.SIGTERM)
        running.communicate(timeout=30)
        assert gone(emulator)
        assert worker.poll() is None


def test_no_cluster_is_an_error_that_says_what_to_start() -> None:
    ended = fusezap(*matrix(KERNEL), "--cluster", f"tcp://127.0.0.1:{_free_port()}")
    assert ended.returncode == 2
    assert "dask scheduler" in ended.stderr
    assert cells() == []
