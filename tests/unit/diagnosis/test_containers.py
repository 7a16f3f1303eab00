"""Which container it is, by what the runtimes name their groups and keep in their files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.diagnosis import containers, identify
from harness.diagnosis.containers import described, of_cgroup, of_folder, of_state, state_files
from harness.diagnosis.formats._words import container_text
from harness.diagnosis.records import Container
from harness.linux.mountinfo import read_mountinfo

ID = "4f1c0d9e" * 8
POD = "0b5e1f2a-3c4d-4e5f-8a9b-0c1d2e3f4a5b"


@pytest.mark.parametrize(
    ("line", "runtime", "number", "pod"),
    [
        (f"0::/system.slice/docker-{ID}.scope", "docker", ID, None),
        (f"5:memory:/docker/{ID}", "docker", ID, None),
        (f"0::/machine.slice/libpod-{ID}.scope/container", "podman", ID, None),
        (f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD.replace('-', '_')}.slice/"
         f"cri-containerd-{ID}.scope", "containerd", ID, POD),
        (f"0::/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/crio-{ID}.scope", "cri-o", ID, POD),
        (f"4:pids:/kubepods/besteffort/pod{POD}/{ID}", "kubernetes", ID, POD),
        ("0::/default/redis", "containerd", "redis", None),
        ("0::/lxc.payload.web", "lxc", "web", None),
        ("0::/machine.slice/machine-web.scope", "systemd-nspawn", "web", None),
    ],
)  # fmt: skip
def test_a_control_group_names_it(line: str, runtime: str, number: str, pod: str | None) -> None:
    found = of_cgroup(f"13:devices:/\n{line}\n")[0]
    assert (found.runtime, found.id, found.pod) == (runtime, number, pod)
    assert line.split(":", 2)[2] in found.evidence


@pytest.mark.parametrize("line", ["0::/", "0::/user.slice/user-1000.slice/session-3.scope", "0::/init.scope"])
def test_what_is_none_is_not_taken_for_one(line: str) -> None:
    assert of_cgroup(line + "\n") == ()


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
    mounts = read_mountinfo(os.getpid(), os.getpid())
    claims = of_cgroup(f"0::/docker/{attacker}/docker-{victim}.scope\n")
    monkeypatch.setattr(identify, "_by_cgroup", lambda *_: claims)
    monkeypatch.setattr(identify, "_by_mounts", lambda *_: ())
    for ancestry in ((init, above), ((4800, 2000), init)):
        found = identify._Look(mounts, ancestry).container([(4711, 4711)], 0)
        assert found is not None
        assert (found.id, found.confirmed) == (attacker, True)
    found = identify._Look(mounts, ((99, 99),)).container([(99, 99)], 0)
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
    look = identify._Look(read_mountinfo(os.getpid(), os.getpid()), ((4711, 1000),))
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
        (f"/var/lib/containers/storage/overlay-containers/{ID}/userdata", "podman"),
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
