"""Many runs: counted, isolated, ended early, interrupted, and reported in every format."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.catalogue import catalogue
from harness.errors import GuardError
from harness.guard.sweep import mounted_runs
from harness.linux.polling import poll, wait_until
from harness.report import outputs
from harness.run.pool import workers
from harness.run.request import RunRequest
from tests.conftest import gone
from tests.live.conftest import NOTHING, Fusezap, traces


def test_outcomes_are_counted(fusezap: Fusezap) -> None:
    done = fusezap("run", "exit-flush-self", "healthy", "--repeat", "10", "--jobs", "2", "--format", "json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    found = {each["scenario"]: each for each in document["series"]}
    for name, outcome in {"exit-flush-self": "deadlock", "healthy": "released"}.items():
        assert found[name]["runs"] == 10
        (count,) = found[name]["counts"]
        assert (count["outcome"], count["times"]) == (outcome, 10)
        assert 0.69 < count["low"] < 0.70, "Clopper-Pearson, 10 of 10"
    assert [each["outcome"] for each in document["results"]] == ["deadlock", "released"], "the first of each, whole"
    assert document["results"][0]["wait_graph"]


def test_it_stops_at_the_outcome_that_was_waited_for(fusezap: Fusezap) -> None:
    done = fusezap("run", "healthy", "--until", "released", "--jobs", "2", "--format", "json")
    (series,) = json.loads(done.stdout)["series"]
    assert series["runs"] == 1
    assert series["note"] == "released after 1 runs"


def test_a_race_is_called_absent_after_as_many_runs_as_that_takes(fusezap: Fusezap) -> None:
    done = fusezap("check", "etxtbsy-after-exit", "--rate", "0.5", "--confidence", "0.9", "--jobs", "2")
    assert done.returncode == 0, done.stdout
    assert "released x4 (not seen in 4 runs: had it a rate of 0.5" in done.stdout


def test_a_race_that_was_seen_needs_no_more_runs(fusezap: Fusezap) -> None:
    done = fusezap("check", "exit-flush-race", "--rate", "0.05", "--confidence", "0.999", "--jobs", "2")
    assert done.returncode == 1
    assert "seen in run 1: no need of more" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--repeat", "0"),
        ("run", "--jobs", "0"),
        ("run", "--until", "never"),
        ("run", "--keep", "--repeat", "2"),
        ("run", "--report", "htm=x"),
        ("run", "--format", "htm"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(fusezap: Fusezap, words: tuple[str, ...]) -> None:
    done = fusezap(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("fusezap: ")
    assert done.stdout == ""


def test_every_format_is_written_from_one_command(fusezap: Fusezap, tmp_path: Path) -> None:
    words = [word for name in outputs.formats() for word in ("--report", f"{name}={tmp_path / name}")]
    done = fusezap("run", "exit-flush-self", "healthy", "tracer-outside", "--repeat", "3", "--jobs", "2", *words)
    assert done.returncode == 0, done.stderr
    assert "exit-flush-self" in done.stdout
    for name in outputs.formats():
        text = (tmp_path / name).read_text()
        assert "tracer-outside" in text, name
    lines = [json.loads(line) for line in (tmp_path / "jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == ["run"] * 9 + ["series"] * 3


def test_two_commands_at_once() -> None:
    """Each scenario's own outcome, whatever runs beside it: two by two, in the order of the catalogue."""
    halves = [
        subprocess.Popen(
            [sys.executable, "-P", "-m", "harness", "run", glob, "--repeat", "2", "--jobs", "2", "--format", "json"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for glob in ("exit-*", "*-outside")
    ]
    for each in halves:
        document = json.loads(each.communicate(timeout=120)[0])
        assert each.returncode == 0, document["errors"]
        assert all(len(series["counts"]) == 1 for series in document["series"]), document["series"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_runs_and_tells_what_was_counted(number: signal.Signals) -> None:
    running = _started("healthy", "exit-flush-peer-outside", "--repeat", "4", "--patience", "300")
    assert running.stdout is not None
    for _ in range(4):
        assert json.loads(running.stdout.readline())["outcome"] == "released"
    time.sleep(0.5)  # by now, most likely, the runs of five minutes are under way; else it ends as well
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 128 + number, err
    first, *_ = (record for record in map(json.loads, out.splitlines()) if record["type"] == "series")
    assert (first["scenario"], first["runs"]) == ("healthy", 4)
    _until_clean()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_before_the_workers_work(number: signal.Signals) -> None:
    running = _started("exit-flush-peer-outside", "--repeat", "4", "--patience", "300")
    _worker_of(running)
    running.send_signal(number)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 128 + number, err
    _until_clean()


@pytest.mark.parametrize("lines", [0, 1, 2], ids=["starting", "after-one-run", "after-two"])
def test_a_worker_that_is_killed_is_told_and_leaves_nothing(lines: int) -> None:
    running = _started("exit-flush-peer-outside", "--repeat", "1000")
    assert running.stdout is not None
    for _ in range(lines):
        running.stdout.readline()
    os.kill(_worker_of(running), signal.SIGKILL)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 2
    assert "a worker process was killed (SIGKILL)" in err
    _until_clean()


def test_a_worker_that_is_killed_in_a_run_ends_the_run_of_the_other() -> None:
    running, worker = _two_that_wait()
    os.kill(worker, signal.SIGKILL)
    _, err = running.communicate(timeout=30)
    assert "a worker process was killed (SIGKILL)" in err
    _until_clean()


def test_workers_go_with_who_started_them() -> None:
    running, worker = _two_that_wait()
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    _until_clean()
    assert gone(worker)


def test_a_worker_that_is_killed_between_two_series() -> None:
    request = RunRequest(catalogue()["healthy"])
    with workers(2) as pool:
        assert [reply.error for reply in pool.runs(request, 4)] == [""] * 4
        for child in psutil.Process().children():
            with suppress(psutil.ZombieProcess):  # an orphan of an earlier test, which became our child
                if "harness.run.worker" in child.cmdline():
                    os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(GuardError, match="a worker process was killed"):
            list(pool.runs(request, 4))


def test_a_series_that_is_closed_early_is_not_mixed_up_with_the_next() -> None:
    slow, quick = (RunRequest(catalogue()[name], patience_s=0.5) for name in ("exit-flush-peer-outside", "healthy"))
    with workers(2) as pool:
        runs = pool.runs(slow, 1000)
        next(runs)
        runs.close()
        names = {reply.result.about.name for reply in pool.runs(quick, 4) if reply.result}
    assert names == {"healthy"}


def _started(*words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-P", "-m", "harness", "run", *words, "--jobs", "2", "--format", "jsonl"]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _two_that_wait() -> tuple[subprocess.Popen[str], int]:
    """Runs of five minutes, under way, and one of their workers."""
    running = _started("exit-flush-peer-outside", "--repeat", "2", "--patience", "300")
    worker = _worker_of(running)
    wait_until("two runs are mounted", 30, lambda: len(mounted_runs()) >= 2)
    return running, worker


def _worker_of(running: subprocess.Popen[str]) -> int:
    """The first that there is."""

    def worker() -> int | None:
        for child in psutil.Process(running.pid).children():
            if "harness.run.worker" in child.cmdline():
                return child.pid
        return None

    found = wait_until("a worker runs", 30, worker)
    assert found is not None
    return found


def _until_clean() -> None:
    """The guards of what was killed need a moment."""
    poll(5, lambda: traces() == NOTHING)
