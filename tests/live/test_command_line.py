"""The commands as a user types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.linux.polling import poll
from tests.live.conftest import Fusezap


def test_run_tells_the_story(fusezap: Fusezap) -> None:
    done = fusezap("run")
    assert done.returncode == 0, done.stderr
    for word in (
        "DEADLOCK",
        "zap_pid_ns_processes",
        "request_wait_answer",
        "zombie",
        "ENOMEM",
        "abort",
        "nothing left",
    ):
        assert word in done.stdout
    assert "\x1b[" not in done.stdout


def test_json_is_exactly_one_document(fusezap: Fusezap) -> None:
    done = fusezap("run", "exit-flush-self", "healthy", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [each["outcome"] for each in json.loads(done.stdout)["results"]] == ["deadlock", "released"]
    assert done.stderr == ""


def test_expect_decides_the_status(fusezap: Fusezap) -> None:
    assert fusezap("run", "--expect", "deadlock", "--format", "json").returncode == 0
    assert fusezap("run", "--expect", "released", "--format", "json").returncode == 1
    assert fusezap("run", "--expect", "dead").returncode == 2


def test_check_is_one_line(fusezap: Fusezap) -> None:
    done = fusezap("check", "exit-flush-self")
    assert done.returncode == 1
    assert done.stdout.count("\n") == 1
    assert os.uname().release in done.stdout
    assert fusezap("check", "healthy").returncode == 0
    assert fusezap("check", "no-such-thing").returncode == 128


def test_unknown_names_are_all_told(fusezap: Fusezap) -> None:
    done = fusezap("run", "exit-flush-slef", "helthy")
    assert done.returncode == 2
    assert "exit-flush-self" in done.stderr
    assert "healthy" in done.stderr
    assert done.stdout == ""


def test_out_keeps_the_evidence_and_it_can_be_judged_again(fusezap: Fusezap, tmp_path: Path) -> None:
    done = fusezap("run", "--out", "evidence")
    assert done.returncode == 0, done.stderr
    kept = tmp_path / "evidence" / "exit-flush-self"
    assert {path.name for path in kept.iterdir()} == {"snapshots.json", "journal.jsonl", "result.json", "repro.sh"}
    again = fusezap("judge", str(kept / "snapshots.json"), "--format", "json")
    assert again.returncode == 1
    first = json.loads((kept / "result.json").read_text())["results"][0]
    second = json.loads(again.stdout)
    assert second["outcome"] == first["outcome"] == "deadlock"
    assert second["wait_graph"] == first["wait_graph"]


ONE_OF_EACH_KIND = (
    *("exit-flush-nested-namespace", "exit-flush-no-namespace", "exit-flush-voluntary", "exit-flush-single-thread"),
    *("nested-fsync", "read-self", "close-queued", "getattr-queued", "flush-enosys"),
)


@pytest.mark.parametrize(
    "scenario",
    [
        *("exit-flush-self", "exit-flush-peer-outside", "server-stopped", "healthy"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ONE_OF_EACH_KIND),
    ],
)
def test_the_repro_script_stands_alone(fusezap: Fusezap, tmp_path: Path, scenario: str) -> None:
    fusezap("run", scenario, "--out", "evidence")
    script = tmp_path / "evidence" / scenario / "repro.sh"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    env = {**os.environ, "TMPDIR": str(scratch)}
    done = subprocess.run([str(script)], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert list(scratch.iterdir()) == []
    if scenario in ("healthy", "getattr-queued", "flush-enosys"):
        assert "released" in done.stdout
    else:
        assert ("zap_pid_ns_processes" in done.stdout) == (scenario != "exit-flush-no-namespace")
        assert "request_wait_answer" in done.stdout


def test_kept_hang_is_ended_by_clean(fusezap: Fusezap) -> None:
    done = fusezap("run", "--keep")
    assert done.returncode == 0, done.stderr
    (run,) = re.findall(r"fusezap clean (fusezap-\S+)", done.stdout)
    refused = fusezap("clean", stdin=subprocess.DEVNULL)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"{run}: kept by --keep" in refused.stderr
    assert "no terminal to ask on" in refused.stderr
    ours, theirs = os.openpty()
    os.write(ours, b"n\n")
    declined = fusezap("clean", stdin=theirs)
    assert (declined.returncode, declined.stdout) == (1, "nothing was ended\n")
    unknown = fusezap("clean", run[:-1])
    assert unknown.returncode == 2
    assert f"near: {run}" in unknown.stderr
    cleaned = fusezap("clean", run)
    assert cleaned.returncode == 0
    assert "ended the guard" in cleaned.stdout
    assert "nothing to clean" in fusezap("clean").stdout


def test_all_kept_hangs_are_ended_by_clean_yes(fusezap: Fusezap) -> None:
    fusezap("run", "--keep")
    fusezap("run", "close-self", "--keep")
    cleaned = fusezap("clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    assert cleaned.stdout.count("ended the guard") == 2
    assert fusezap("clean").returncode == 0


def test_kept_hang_ended_by_hand_leaves_nothing(fusezap: Fusezap) -> None:
    done = fusezap("run", "--keep")
    line = next(line for line in done.stdout.splitlines() if "echo 1 >" in line)
    Path(line.split("> ")[1].strip()).write_text("1")
    _until_clean()


def test_clean_leaves_a_run_in_progress_alone(fusezap: Fusezap) -> None:
    running = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness", "run", "exit-flush-peer-outside", "--patience", "3"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "SIGKILL sent" in line:
            break
    assert "in use" in fusezap("clean").stdout
    assert "STARVED" in running.stdout.read()
    assert running.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cleans_up(number: signal.Signals) -> None:
    running = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness", "run", "exit-flush-peer-outside", "--patience", "30"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "SIGKILL sent" in line:
            break
    os.killpg(running.pid, number)
    _, errors = running.communicate(timeout=20)
    assert running.returncode == 128 + number
    assert number.name in errors
    _until_clean()


def test_a_closed_stdout_cleans_up() -> None:
    running = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness", "run"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    assert "Traceback" not in running.stderr.read()
    running.wait(20)
    _until_clean()


def test_a_full_disk_is_told_and_cleans_up(fusezap: Fusezap) -> None:
    with open("/dev/full", "w") as full:
        done = fusezap("run", stdout=full, capture_output=False, stderr=subprocess.PIPE)
    assert done.returncode != 0
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    _until_clean()


def test_a_large_environment_is_no_obstacle(fusezap: Fusezap) -> None:
    large = {f"LARGE_{number}": "x" * 100_000 for number in range(5)}
    done = fusezap("run", "--format", "json", env={**os.environ, **large})
    assert done.returncode == 0, done.stderr


def test_it_runs_where_a_module_of_the_user_shadows_ours(fusezap: Fusezap, tmp_path: Path) -> None:
    for name in ("fuse", "json", "fakefs", "harness", "prctl"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('wrong module')")
    assert fusezap("run", "--format", "json").returncode == 0


def _until_clean() -> None:
    """The guard may outlive the harness by some milliseconds."""
    from tests.live.conftest import NOTHING, traces

    poll(5, lambda: traces() == NOTHING)
    assert traces() == NOTHING
