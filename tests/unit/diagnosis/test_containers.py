"""The container of a task, by the names of the runtimes' groups and by their files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from harness.diagnosis import containers, identify
from harness.diagnosis.containers import MOST_LINES, described, of_cgroup, of_folder, of_state, state_files
from harness.diagnosis.formats._summary import where
from harness.diagnosis.formats._words import container_text
from harness.diagnosis.records import BELOW, Container
from harness.linux import procfs
from harness.linux.polling import wait_until
from tests.unit.diagnosis.test_findings import FLUSH
from tests.unit.records import HANG, INIT, LEADER, STUCK

ID = "4f1c0d9e" * 8


@pytest.mark.parametrize("line", ["0::/", "0::/user.slice/user-1000.slice/session-3.scope", "0::/init.scope"])
def test_what_is_none_is_not_taken_for_one(line: str) -> None:
    assert of_cgroup(line + "\n") == ()


def test_lines_that_no_kernel_writes_cost_no_time() -> None:
    """There is one for each hierarchy; who forges a capture may write a million."""
    usual = of_cgroup(f"0::/docker-{ID}.scope")
    assert usual
    assert of_cgroup("1:a:/x\n" * (MOST_LINES - 1) + f"0::/docker-{ID}.scope") == usual
    assert of_cgroup("1:a:/x\n" * MOST_LINES + f"0::/docker-{ID}.scope") == ()


def test_a_container_in_a_container_is_the_inner_one() -> None:
    inner = "ab" * 32
    found = of_cgroup(f"0::/docker/{ID}/docker/{inner}\n")
    assert [each.id for each in found] == [inner, ID]


def test_a_name_in_a_group_is_a_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that names a group of its own after another one does not pass for it."""
    attacker, victim = "aa" * 32, "bb" * 32
    init, above = (4711, 1000), (4700, 900)
    for number, pid in ((attacker, init), (victim, (1234, 5))):
        (tmp_path / number).mkdir()
        record = {"init_process_pid": pid[0], "init_process_start": pid[1]}
        (tmp_path / number / "state.json").write_text(json.dumps(record))
    monkeypatch.setattr(containers, "STATES", ((str(tmp_path), "state.json", "docker"),))
    files = identify._Files()
    claims = of_cgroup(f"0::/docker/{attacker}/docker-{victim}.scope\n")
    monkeypatch.setattr(identify._Files, "by_cgroup", lambda *_: claims)
    monkeypatch.setattr(identify._Files, "by_mounts", lambda *_: ())
    for ancestry in ((init, above), ((4800, 2000), init)):
        found = identify._Look(files, ancestry).container([(4711, 4711)], 0)
        assert found is not None
        assert (found.id, found.confirmed) == (attacker, True)
    found = identify._Look(files, ((99, 99),)).container([(99, 99)], 0)
    assert found is not None
    assert not found.confirmed
    assert container_text(found).startswith("claimed to be docker bbbb")
    assert "no record of a runtime confirms it" in container_text(found)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[" * 100_000, b"\xff", b'{"init_process_pid": ' + b"9" * 10_000 + b"}", b"x" * (2 << 20)]
)
def test_a_bad_record_costs_its_own_name_only(text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (("bad", text), ("good", b'{"init_process_pid": 4711, "init_process_start": 1000}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").write_bytes(content)
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo/state.json")
    monkeypatch.setattr(containers, "STATES", ((str(tmp_path), "state.json", "runc"),))
    look = identify._Look(identify._Files(), ((4711, 1000),))
    found = look.by_state()
    assert found is not None
    assert (found.id, found.confirmed) == ("good", True)
    look.by_state()
    look._ancestry = ((1, 1),)
    look.unseen.clear()
    assert look.by_state() is None
    assert sorted(each.partition(f"{tmp_path}/")[2].partition("/")[0] for each in look.unseen) == ["bad", "fifo"]


@pytest.mark.parametrize(
    ("folder", "runtime"),
    [
        (f"/var/lib/docker/containers/{ID}/hostname", "docker"),
        (f"/run/containerd/io.containerd.runtime.v2.task/moby/{ID}", "docker"),
        (f"/run/containerd/io.containerd.runtime.v2.task/default/{ID}", "containerd"),
        (f"/var/lib/containers/storage/overlay-containers/{ID}/userdata", "podman or cri-o"),
    ],
)
def test_a_folder_of_the_runtime_names_it(folder: str, runtime: str) -> None:
    found = of_folder(folder, "it works in")
    assert found is not None
    assert (found.runtime, found.id) == (runtime, ID)
    assert of_folder("/home/user", "it works in") is None


def test_dockers_file_tells_the_rest() -> None:
    container = Container("docker", ID, "x")
    assert any(ID in path for path in state_files(container))
    raw = {"Name": "/web", "Config": {"Image": "nginx:1", "Env": ["TOKEN=secret"], "Labels": {
        "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.name": "web-0"}}}  # fmt: skip
    found = described(container, "config.v2.json", json.dumps(raw))
    assert (found.name, found.image, found.pod) == ("web", "nginx:1", "shop/web-0")
    assert "secret" not in repr(found)


def test_a_bundle_tells_the_rest() -> None:
    annotations = {
        "io.kubernetes.cri.container-name": "web",
        "io.kubernetes.cri.image-name": "nginx:1",
        "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.sandbox-name": "web-0",
    }
    text = json.dumps({"annotations": annotations, "process": {"env": ["TOKEN=secret"], "args": ["secret"]}})
    found = described(Container("kubernetes", ID, "x"), "/run/containerd/x/config.json", text)
    assert (found.runtime, found.name, found.image, found.pod) == ("containerd", "web", "nginx:1", "shop/web-0")
    assert "secret" not in repr(found)


def test_of_podman_and_cri_o_the_record_tells_which() -> None:
    """They keep their containers in the same folders."""
    claim = Container("podman or cri-o", ID, "x")
    assert any("containers.json" in path for path in state_files(claim))
    annotations = {"io.container.manager": "cri-o", "io.kubernetes.container.name": "web"}
    found = described(claim, "/run/containers/x/config.json", json.dumps({"annotations": annotations}))
    assert (found.runtime, found.name) == ("cri-o", "web")
    text = json.dumps({"annotations": {"io.container.manager": "libpod"}})
    assert described(claim, "/run/containers/x/config.json", text).runtime == "podman"


@pytest.mark.parametrize("key", ["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"])
def test_a_pods_sandbox_is_called_so(key: str) -> None:
    annotations = {key: "sandbox", "io.kubernetes.container.name": "POD"}
    found = described(Container("containerd", ID, "x"), "x", json.dumps({"annotations": annotations}))
    assert found.name == containers.SANDBOX


def test_podmans_storage_tells_the_rest() -> None:
    entries = [{"id": "other"}, {"id": ID, "names": ["web"], "metadata": json.dumps({"image-name": "nginx:1"})}]
    found = described(Container("podman", ID, "x"), "containers.json", json.dumps(entries))
    assert (found.name, found.image) == ("web", "nginx:1")


@pytest.mark.parametrize("text", ["", "no JSON", '"text"', "7"])
def test_what_is_none_of_the_runtimes_files_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        described(Container("docker", ID, "x"), "config.v2.json", text)


@pytest.mark.parametrize(
    ("runtime", "text"),
    [
        ("runc", '{"id": "web", "init_process_pid": 17336, "init_process_start": 5289617, "rootless": false}'),
        ("crun", '{"pid": 17336, "process-start-time": 5289617, "cgroup-path": "/web", "bundle": "/b"}'),
    ],
)
def test_a_runtime_without_a_shim_has_a_record_of_its_init(runtime: str, text: str) -> None:
    path = f"/run/{runtime}/web/state"
    found = of_state(runtime, "web", path, text, (17336, 5289617))
    assert found == Container(runtime, "web", f"{path}, which names its init", confirmed=True)
    assert of_state(runtime, "web", path, text, (17336, 1)) is None, "the number is another process's now"
    assert of_state(runtime, "web", path, "[]", (17336, 5289617)) is None


def test_the_stuck_task_is_looked_at_first_and_init_after_the_others() -> None:
    """In a pod that shares its PID namespace init is of the sandbox, and the stuck task of a container."""
    tasks = identify._question(HANG)["tasks"]
    assert tasks[:2] == [(STUCK, LEADER), (INIT, INIT)]


def _pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: dict[str, tuple[int, int]]) -> Container | None:
    """The container found in a pod: its sandbox's init is 4711, and the stuck task is this process, of another one."""
    sandbox, member = "5b" * 32, "c0" * 32
    for number, (pid, start_time) in records.items():
        (tmp_path / number).mkdir()
        record = {"init_process_pid": pid, "init_process_start": start_time}
        (tmp_path / number / "state.json").write_text(json.dumps(record))
    annotations = {
        "io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-namespace": "shop",
        "io.kubernetes.cri.sandbox-name": "web-0",
    }
    (tmp_path / "config.json").write_text(json.dumps({"annotations": annotations}))
    monkeypatch.setattr(containers, "STATES", ((str(tmp_path), "state.json", "containerd"),))
    bundles = (str(tmp_path / "config.json"),)
    monkeypatch.setattr(containers, "state_files", lambda found: bundles if found.id == sandbox else ())
    pod = "/kubepods.slice/kubepods-pod0b5e1f2a_3c4d_4e5f_8a9b_0c1d2e3f4a5b.slice"
    names = {os.getpid(): member, 4711: sandbox}
    monkeypatch.setattr(
        identify._Files, "by_cgroup", lambda _, tid, __: of_cgroup(f"0::{pod}/cri-containerd-{names[tid]}.scope\n")
    )
    monkeypatch.setattr(identify._Files, "by_mounts", lambda *_: ())
    look = identify._Look(identify._Files(), ((4711, 1000),))
    return look.container([(os.getpid(), os.getpid()), (4711, 4711)], 0)


def test_of_a_pod_the_stuck_tasks_container_is_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    above = os.getppid()
    records = {"5b" * 32: (4711, 1000), "c0" * 32: (above, procfs.read_process_stat(above).start_time)}
    found = _pod(tmp_path, monkeypatch, records)
    assert found is not None
    assert (found.id, found.confirmed) == ("c0" * 32, True)


def test_of_a_pod_the_container_is_named_where_only_the_sandbox_has_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The container's first process has ended: its name is a claim, and the pod comes from the sandbox's record."""
    found = _pod(tmp_path, monkeypatch, {"5b" * 32: (4711, 1000), "c0" * 32: (99, 99)})
    assert found is not None
    assert (found.id, found.confirmed, found.pod) == ("c0" * 32, False, "shop/web-0")
    assert "in the pod of sandbox 5b5b" in found.evidence


def test_a_sandbox_without_a_name_is_below_its_process(tmp_path: Path) -> None:
    """bubblewrap stays as the parent of init; firejail's init keeps the name where the parent is gone."""
    program = tmp_path / "bwrap"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as child:
        try:
            wait_until("the program runs", 10, lambda: procfs.read_process_stat(child.pid).comm == "bwrap")
            found = identify.below((os.getpid(), child.pid))
            assert identify.below((0, os.getpid())) is None
        finally:
            child.kill()
    assert found is not None
    assert (found.runtime, found.id) == (BELOW, f"bwrap {child.pid}")
    assert container_text(found).startswith(f"none found; below process bwrap {child.pid}, ")
    assert where(replace(FLUSH, container=found)) == f"below process bwrap {child.pid}"
    assert identify.below((child.pid,)) is None


def test_the_helper_answers_once_for_each_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identify, "DEADLINE_S", 60.0)
    with identify.clerk_started() as clerk:
        found = clerk.identify((HANG, HANG))
        assert len(found) == 2
        assert not clerk.silent
        assert clerk.identify(()) == ()
