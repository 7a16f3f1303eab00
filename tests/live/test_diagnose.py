"""A machine on which foreign programs are stuck, beside many that are not: each is named rightly, none besides."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.diagnosis import capture, formats, pyz
from harness.linux import features, procfs
from harness.linux.sched import ERROR_S, about_rested_s
from harness.observe.machine import fdinfo_names_connections
from tests.live.conftest import Fusezap, descendants
from tests.live.situations import Situations, below, killed, until

Document = dict[str, Any]
NAMESPACES = 200


def diagnosed(fusezap: Fusezap, status: int = 1) -> Document:
    """The document with the findings of this suite alone: `status` is 1 where there are any, 0 where there are none."""
    done = fusezap("diagnose", "--format", "json")
    document: Document = json.loads(done.stdout)
    assert done.returncode == (1 if document["findings"] else 0), done.stdout + done.stderr
    document["findings"] = own(document["findings"])
    assert bool(document["findings"]) == bool(status), done.stdout
    return document


def own(findings: list[Any]) -> list[Any]:
    """The findings below this process, which all that the tests start descend from: others may have hangs, too."""
    mine = set(descendants())
    return [each for each in findings if (each["init_pid"] or each["blockers"][0]["pid"]) in mine]


def kinds(document: Document) -> dict[int, tuple[str, str]]:
    """PID of init, or of the first task that is stuck: outcome and kind."""
    return {
        each["init_pid"] or each["blockers"][0]["pid"]: (each["outcome"], each["kind"]) for each in document["findings"]
    }


def test_nothing_is_stuck(fusezap: Fusezap, situations: Situations) -> None:
    situations.container("serve", "none", situations.point(), "hold")
    document = diagnosed(fusezap, 0)
    assert document["findings"] == []


def _own_readers_rest() -> None:
    """Our threads that wait for the hang have run before we wait for `diagnose` in poll(2): they closed nothing.

    We are an ancestor of the situations, so what our threads do in that call is held against the proof.
    """
    ours = os.getpid()

    def rest() -> bool:
        others = [(tid, procfs.read_stat(tid, ours).processor) for tid in procfs.tids(ours) if tid != ours]
        return all((about_rested_s(tid, ours, processor) or 0) > 5 * ERROR_S for tid, processor in others)

    until("our own readers rest", rest)


def test_every_situation_is_named_and_nothing_besides(fusezap: Fusezap, situations: Situations) -> None:
    crowd = situations.started(situations.program, "crowd", str(NAMESPACES), "5")
    healthy = {pid: procfs.read_process_stat(pid).start_time for pid in below(crowd.pid)}
    assert len(healthy) == NAMESPACES
    expected = _made(situations)
    _own_readers_rest()
    document = diagnosed(fusezap)
    assert kinds(document) == expected, [each["reasons"] for each in document["findings"]]
    for finding in document["findings"]:
        assert finding["remedies"], finding
        assert finding["form"], finding
        assert finding["since"] is not None, finding
    assert {pid: procfs.read_process_stat(pid).start_time for pid in healthy} == healthy
    again = diagnosed(fusezap)
    assert kinds(again) == expected, [each["reasons"] for each in again["findings"]]
    connections = [each["connection"] for each in document["findings"] if each["connection"]]
    assert len(connections) == 10
    assert sorted(each["waiting"] for each in connections) == [1] * 9 + [2], "two wait for the server that asks itself"


def test_one_of_two_is_resolved_and_the_other_is_untouched(fusezap: Fusezap, situations: Situations) -> None:
    first, second = (killed(situations.container("serve", "flush", situations.point(), "hold")) for _ in range(2))
    before = {each["init_pid"]: each for each in diagnosed(fusezap)["findings"]}
    assert set(before) == {first, second}
    stuck = procfs.read_process_stat(second)
    asked = fusezap("diagnose", "--resolve", before[first]["id"], stdin=subprocess.DEVNULL)
    assert asked.returncode == 3, "nobody was there to ask"
    assert "--yes" in asked.stderr
    assert f"echo 1 > /sys/fs/fuse/connections/{before[first]['connection']['number']}/abort" in asked.stdout
    done = fusezap("diagnose", "--resolve", before[first]["id"], "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is gone" in done.stdout
    (said,) = (line for line in done.stdout.splitlines() if line.startswith("  its processes: ended "))
    assert str(first) in said
    assert said.endswith("; living none")
    assert str(second) not in done.stdout.rpartition("is gone")[2], "it is as it was"
    (left,) = diagnosed(fusezap)["findings"]
    assert left["id"] == before[second]["id"]
    assert procfs.read_process_stat(second) == stuck
    again = fusezap("diagnose", "--resolve", before[first]["id"], "--yes")
    assert again.returncode == 3
    assert before[second]["id"] in again.stderr, "it says what there is instead"


def test_hangs_whose_mounts_nobody_sees_any_more(fusezap: Fusezap, situations: Situations) -> None:
    """As after `umount -l`: nothing tells which request is on which connection, and all of them are dead."""
    points = [situations.point() for _ in range(3)]
    inits = {killed(situations.container("serve", "flush", point, "hold")) for point in points}
    for point in points:
        os.rmdir(point)  # of another mount namespace: what is mounted there is detached
    found = {each["init_pid"]: each for each in diagnosed(fusezap)["findings"]}
    assert set(found) == inits
    for each in found.values():
        assert (each["outcome"], each["kind"]) == ("deadlock", "fuse-flush-exit")
        assert each["connection"] is None
        assert not any(remedy["by_fusezap"] for remedy in each["remedies"]), "it might be another's"


def test_a_finding_that_has_changed_is_refused(fusezap: Fusezap, situations: Situations) -> None:
    """Another hang in its place has another name, whatever numbers it shares."""
    first = killed(situations.container("serve", "flush", situations.point(), "hold"))
    (finding,) = diagnosed(fusezap)["findings"]
    assert finding["init_pid"] == first
    number = finding["connection"]["number"]
    forged = f"{first}-{'0' * 8}"
    refused = fusezap("diagnose", "--resolve", forged, "--yes")
    assert refused.returncode == 3
    (still,) = diagnosed(fusezap)["findings"]
    assert still["connection"]["number"] == number
    wrong = fusezap("diagnose", "--resolve", finding["id"], "--remedy", "thaw", "--yes")
    assert wrong.returncode == 3
    assert "abort" in wrong.stderr


def test_a_person_is_asked(fusezap: Fusezap, situations: Situations) -> None:
    killed(situations.container("serve", "flush", situations.point(), "hold"))
    (finding,) = diagnosed(fusezap)["findings"]
    for answer, status in (("n", 1), ("y", 0)):
        ours, theirs = pty.openpty()
        os.write(ours, f"{answer}\n".encode())
        done = fusezap("diagnose", "--resolve", finding["id"], stdin=theirs)
        os.close(ours)
        os.close(theirs)
        assert done.returncode == status, done.stdout + done.stderr
        assert "[y/N]" in done.stdout
        diagnosed(fusezap, 1 if answer == "n" else 0)


@pytest.mark.parametrize("resolver", ["kill-tracer", "thaw", "continue"])
def test_each_resolver_ends_what_it_is_for(resolver: str, fusezap: Fusezap, situations: Situations) -> None:
    if resolver == "thaw" and features.lacking(["cgroup v1 freezer"]):
        pytest.skip("missing: cgroup v1 freezer")
    if resolver == "continue":
        point = situations.point()
        server = situations.alone("serve", "none", point)
        init = _holding(situations, server, point)
        os.kill(server, signal.SIGSTOP)
    else:
        init = situations.container("hold", "/dev/null")
        (inner,) = procfs.read_children(init, init)
        if resolver == "thaw":
            situations.frozen([inner])
        else:
            situations.started(situations.program, "trace", str(inner))
    killed(init)
    (finding,) = diagnosed(fusezap)["findings"]
    assert resolver in [each["action"] for each in finding["remedies"]]
    done = fusezap("diagnose", "--resolve", finding["id"], "--remedy", resolver, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert diagnosed(fusezap, 0)["findings"] == []


def test_who_waits_long_for_a_server_that_lives_is_listed(fusezap: Fusezap, situations: Situations) -> None:
    """Nobody has killed it, and the server holds its request back: no finding, and it counts where it is asked for."""
    point = situations.point()
    server = situations.alone("serve", "getattr", point)
    asker = subprocess.Popen(["nsenter", f"--mount=/proc/{server}/ns/mnt", "cat", f"{point}/file"])
    situations.reaped(asker)
    situations.waits(asker.pid)
    assert diagnosed(fusezap, 0)["findings"] == []
    until("it has waited long", lambda: (about_rested_s(asker.pid, asker.pid, None) or 0) > 0.5)
    counted = fusezap("diagnose", "--json", "--stuck-for", "0.5s")
    assert counted.returncode == 1, counted.stderr
    waits = json.loads(counted.stdout)["waits"]
    (wait,) = (each for each in waits if each["mount_point"] == point)
    assert wait["connections"] == [situations.number]
    assert [(each["pid"], each["state"] in "SD") for each in wait["clients"]] == [(asker.pid, True)]
    assert wait["waiting"] == 1
    assert wait["clients"][0]["for_s"] >= 0.5
    if fdinfo_names_connections():
        (serving,) = wait["servers"]
        assert serving["pid"] == server
        assert serving["doing"], "what it does"
    assert fusezap("diagnose", "--stuck-for", "1", "--watch", "1").returncode == 3


def test_what_was_captured_is_judged_elsewhere(fusezap: Fusezap, situations: Situations, tmp_path: Path) -> None:
    init = situations.container("serve", "flush", situations.point(), "hold")
    secret = "SECRET-of-the-environment"
    assert secret not in os.environ
    killed(init)
    here = fusezap("diagnose", "--json", "--capture", "capture.json", env={**os.environ, "TOKEN": secret})
    assert secret not in (tmp_path / "capture.json").read_text()
    there = fusezap("judge", "capture.json", "--format", "json")
    assert (here.returncode, there.returncode) == (1, 1)
    assert json.loads(there.stdout)["findings"] == json.loads(here.stdout)["findings"]


def test_every_format_tells_the_finding(fusezap: Fusezap, situations: Situations, tmp_path: Path) -> None:
    init = killed(situations.container("serve", "flush", situations.point(), "hold"))
    for name in registry.names(formats):
        done = fusezap("diagnose", "--verbose", "--format", name, "--output", "file")
        assert done.returncode == 1, done.stderr
        assert done.stdout == ""
        text = (tmp_path / "file").read_text()
        assert str(init) in text, name
        assert "fuse-flush-exit" in text, name


def test_what_appears_and_goes_is_watched(fusezap: Fusezap, situations: Situations) -> None:
    argv = [sys.executable, "-P", "-m", "harness", "diagnose", "--watch", "0.1", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        init = killed(situations.container("serve", "flush", situations.point(), "hold"))
        lines = map(json.loads, watcher.stdout)
        appeared = next(each for each in lines if each["finding"]["init_pid"] == init)
        assert appeared["event"] == "appeared"
        assert fusezap("diagnose", "--resolve", appeared["finding"]["id"], "--yes").returncode == 0
        gone = next(each for each in lines if each["finding"]["id"] == appeared["finding"]["id"])
        assert gone["event"] == "gone"
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(10) == 130


def test_what_happens_is_followed(fusezap: Fusezap, situations: Situations) -> None:
    argv = [sys.executable, "-P", "-m", "harness", "diagnose", "--trace", "60", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stdout is not None
        while not select.select([tracer.stdout], [], [], 0.05)[0]:
            if tracer.poll() is not None:
                assert tracer.stderr is not None
                assert "tracefs" in tracer.stderr.read()
                pytest.skip("missing: tracefs")
            subprocess.run(["true"], check=True)
        init = killed(situations.container("serve", "flush", situations.point(), "hold"))
        wanted = {("signal_generate", f"pid={init}"), ("fuse_request_send", "FUSE_FLUSH")}
        for line in tracer.stdout:
            event = json.loads(line)
            wanted -= {each for each in wanted if each[0] == event["event"] and each[1] in event["told"]}
            if not wanted:
                break
        tracer.send_signal(signal.SIGINT)
        tracer.stdout.read()
        assert tracer.wait(10) == 130
    assert fusezap("diagnose", "--trace", "0.1").returncode == 1


def test_without_rights_it_says_what_it_cannot_see(situations: Situations) -> None:
    killed(situations.container("serve", "flush", situations.point(), "hold"))
    argv = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-P", "-m", "harness"]
    done = subprocess.run([*argv, "diagnose", "--json"], capture_output=True, text=True, timeout=60)
    document = json.loads(done.stdout)
    assert any("CAP_SYS_PTRACE" in each for each in document["unseen"])
    assert done.returncode == (1 if document["findings"] else 2)


def test_it_ends_where_every_mount_of_the_host_hangs(fusezap: Fusezap, situations: Situations) -> None:
    """Also the one that this process sees; whoever stats it waits."""
    point = situations.point()
    server = situations.started(situations.program, "serve", "none", point)
    situations.hold(server.pid)
    killed(situations.container("serve", "flush", situations.point(), "hold"))
    os.kill(server.pid, signal.SIGSTOP)
    asker = subprocess.Popen(["cat", f"{point}/file"], stderr=subprocess.DEVNULL)
    situations.reaped(asker)
    situations.waits(asker.pid)
    assert {kind for _, kind in kinds(diagnosed(fusezap)).values()} == {"fuse-flush-exit"}
    subprocess.run(["umount", "-i", "-l", point], check=True)


def test_the_single_file_needs_an_old_python_alone(situations: Situations, tmp_path: Path) -> None:
    interpreters = [version for version in ("3.9", "3.13") if _runs(version)]
    if "3.9" not in interpreters:
        pytest.skip("missing: python3.9")
    pyz.build(tmp_path / "fusezap.pyz")
    init = killed(situations.container("serve", "flush", situations.point(), "hold"))
    for version in interpreters:
        for name in registry.names(formats):
            argv = [f"python{version}", "-I", "fusezap.pyz", "--format", name, "--capture", "capture"]
            done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=_of_python(version))
            assert (done.returncode, str(init) in done.stdout) == (1, True), done.stderr
    captured = [
        reading.snapshots[-1].init_tid for reading in capture.load((tmp_path / "capture").read_text(), "").readings
    ]
    assert init in captured


def _of_python(version: str) -> dict[str, str]:
    return {**os.environ, "PYENV_VERSION": version}


def _runs(version: str) -> bool:
    try:
        argv = [f"python{version}", "-I", "-c", ""]
        return subprocess.run(argv, env=_of_python(version), stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        return False


def _made(situations: Situations) -> dict[int, tuple[str, str]]:
    """Fifteen, each by a foreign program; outcome and kind by PID."""
    made: dict[int, tuple[str, str]] = {}
    flush = situations.container("serve", "flush", situations.point(), "hold")
    made[killed(flush)] = ("deadlock", "fuse-flush-exit")
    nested = situations.container("serve", "flush", situations.point(), "hold", nested=True)
    made[killed(nested)] = ("deadlock", "fuse-flush-exit")
    plain = situations.alone("serve", "flush", situations.point(), "hold")
    made[killed(plain)] = ("deadlock", "fuse-flush-exit")
    for action, operation in (("close", "flush"), ("read", "read"), ("getattr", "getattr")):
        init = situations.container("serve", operation, situations.point(), action)
        made[killed(init)] = ("deadlock", "fuse-request")
    executing = situations.container("serve", "flush", situations.point(), "exec")
    situations.executes(procfs.read_children(executing, executing)[0])
    made[killed(executing)] = ("inconclusive", "execve")
    return made | _outside(situations) | _without_fuse(situations)


def _outside(situations: Situations) -> dict[int, tuple[str, str]]:
    """The server is no part of what dies."""
    made = {}
    for stopped in (False, True):
        point = situations.point()
        server = situations.alone("serve", "flush", point)
        init = _holding(situations, server, point)
        if stopped:
            os.kill(server, signal.SIGSTOP)
        made[killed(init)] = ("starved", "fuse-flush-exit")
    point = situations.point()
    server = situations.alone("nest", point)
    asker = subprocess.Popen(["nsenter", f"--mount=/proc/{server}/ns/mnt", "cat", f"{point}/outer"])
    situations.reaped(asker)
    situations.waits(server)
    situations.waits(asker.pid)
    made[min(server, asker.pid)] = ("deadlock", "fuse-request")
    return made


def _holding(situations: Situations, server: int, point: str) -> int:
    """A container whose one process holds a file of a server outside."""
    argv = ["nsenter", f"--mount=/proc/{server}/ns/mnt", "unshare", "--pid", "--fork", "--kill-child", "sh", "-c"]
    outer = situations.started(*argv, '"$@" & wait', "sh", situations.program, "hold", f"{point}/file")
    (init,) = procfs.read_children(outer.pid, outer.pid)
    return init


def _without_fuse(situations: Situations) -> dict[int, tuple[str, str]]:
    made = {}
    traced = situations.container("hold", "/dev/null")
    situations.started(situations.program, "trace", str(procfs.read_children(traced, traced)[0]))
    made[killed(traced)] = ("starved", "ptrace")
    entered = situations.container("hold", "/dev/null")
    situations.started(situations.program, "enter", str(entered))
    made[killed(entered)] = ("starved", "unreaped")
    if not features.lacking(["cgroup v1 freezer"]):
        frozen = situations.container("hold", "/dev/null")
        situations.frozen(below(frozen))
        made[killed(frozen)] = ("starved", "freezer")
    return made
