"""The table of path shapes: each row is replayed, and names that are hostile or belong to nobody."""

from __future__ import annotations

import re

import pytest

from harness.diagnosis.containers import of_cgroup, of_folder, of_mounts
from harness.diagnosis.formats._words import container_text
from harness.diagnosis.shapes import table
from harness.diagnosis.shapes.shape import I, J, PathShape, U, V

LEAST = 60


def _label(shape: PathShape) -> str:
    return f"{shape.runtime} {shape.example}"


@pytest.mark.parametrize("shape", table.groups(), ids=_label)
def test_a_control_group_names_it(shape: PathShape) -> None:
    """In version 2, in a controller's hierarchy of version 1, and in systemd's own."""
    for line in ("0::{}\n", "11:memory:/\n4:cpu,cpuacct:{}\n", "1:name=systemd:{}\n0::/\n"):
        found = of_cgroup(line.format(shape.example))[0]
        assert (found.runtime, found.id, found.pod) == (shape.runtime, shape.names, shape.pod)
        assert f"its control group {shape.example}" in found.evidence
        assert shape.note in found.evidence
        assert not found.confirmed


@pytest.mark.parametrize("shape", table.folders(), ids=_label)
def test_a_folder_names_it(shape: PathShape) -> None:
    found = of_folder(shape.example, "it mounts")
    assert found is not None
    assert (found.runtime, found.id, found.pod) == (shape.runtime, shape.names, shape.pod)
    assert of_mounts(["/", shape.example]) == (found,)
    assert not found.confirmed


@pytest.mark.parametrize("shape", table.groups(), ids=_label)
def test_it_is_found_in_another_namespace_and_after_its_end(shape: PathShape) -> None:
    """A reader in another cgroup namespace sees `..`; a group that is removed has a suffix."""
    path = shape.example
    assert of_cgroup(f"0::{path} (deleted)\n")[0].id == shape.names
    if not shape.pattern.startswith("^"):
        assert of_cgroup(f"0::/../..{path}\n")[0].id == shape.names


def test_the_table_is_as_large_as_it_should_be_and_names_its_sources() -> None:
    shapes = (*table.groups(), *table.folders())
    assert len({shape.pattern for shape in shapes}) >= LEAST
    assert len({shape.example for shape in shapes}) == len(shapes)
    for shape in shapes:
        assert re.match(r"[\w.-]+(?:/[\w.-]+)?(?: [\w. ]+)?[:,]|the \w+ documentation, ", shape.source), shape.source
        assert "://" not in shape.source


def test_where_two_rows_have_one_pattern_they_name_the_same() -> None:
    found: dict[str, tuple[str, str, str]] = {}
    for shape in (*table.groups(), *table.folders()):
        meaning = (shape.runtime, shape.kind, shape.note)
        assert found.setdefault(shape.pattern, meaning) == meaning, shape.pattern


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/init.scope",
        "/system.slice/docker.service",
        "/system.slice/containerd.service",
        "/user.slice/user-1000.slice/session-3.scope",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope",
        "/system.slice/crio.service",
        "/machine.slice",
        f"/system.slice/docker-{I[:63]}.scope",
        f"/system.slice/docker-{I.upper()}.scope",
        f"/system.slice/xdocker-{I}.scope",
        f"/libpod_parent/x{I}",
        f"/kubepods.slice/kubepods-pod{V}.slice",
        f"/machine.slice/machine-libpod_pod_{J}.slice",
        "/lxc.payload.",
        "/machine.slice/machine-.scope",
        "/machine.slice/web.scope",
    ],
)
def test_a_group_of_something_else_names_none(path: str) -> None:
    assert of_cgroup(f"0::{path}\n") == ()


@pytest.mark.parametrize(
    "root",
    [
        "/",
        "/etc/hostname",
        f"/containers/{I}",
        f"/var/lib/docker/volumes/{I}/_data",
        f"/var/lib/docker/overlay2/{I}/merged",
        "/var/lib/machines",
        "/srv/u/storage-pools",
        f"/pods/{U}",
    ],
)
def test_a_mount_of_something_else_names_none(root: str) -> None:
    assert of_mounts([root]) == ()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (f"/docker/{J}/k8s.io/{I}", ["containerd", "docker"]),
        (f"/docker/{J}/docker/{I}", ["docker", "docker"]),
        (f"/docker/{J}/kubelet/kubepods/besteffort/pod{U}/{I}", ["kubernetes", "docker"]),
        (f"/docker/{J}/kubelet.slice/kubelet-pod{V}.slice/cri-containerd-{I}.scope", ["containerd", "docker"]),
        (f"/system.slice/docker-{J}.scope/init.scope/machine.slice/libpod-{I}.scope", ["podman", "docker"]),
        (f"/lxc.payload.web/system.slice/docker-{I}.scope", ["docker", "lxc"]),
        (f"/lxc/101/ns/system.slice/docker-{I}.scope", ["docker", "lxc (proxmox)"]),
        (f"/machine.slice/machine-web.scope/payload/machine.slice/libpod-{I}.scope", ["podman", "systemd-nspawn"]),
        (f"/mesos/{U}/mesos/{U}/kubepods/besteffort/pod{U}/{I}", ["kubernetes", "mesos", "mesos"]),
        (f"/kubepods/pod{U}/{J}/buildkit/n4eu0udvbz9vfzjy71jkvgkwh", ["buildkit", "kubernetes"]),
    ],
)
def test_engines_in_engines_are_both_named(path: str, names: list[str]) -> None:
    found = of_cgroup(f"0::{path}\n")
    assert [each.runtime for each in found] == names
    inside = " inside ".join(f"{each.runtime} {each.id}" for each in found)
    assert all(inside in container_text(each) for each in found)


def test_a_pod_is_the_inner_containers_and_not_the_outer_ones() -> None:
    inner, outer = of_cgroup(f"0::/docker/{J}/kubelet/kubepods/besteffort/pod{U}/{I}\n")
    assert (inner.pod, outer.pod) == (U, None)
    inner, outer = of_cgroup(f"0::/kubepods/pod{U}/{J}/docker/{I}\n")
    assert (inner.pod, outer.pod) == (None, U)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (r"a\x2e\x2e\x2f\x2e\x2e\x2fvictim", r"a\x2e\x2e\x2f\x2e\x2e\x2fvictim"),
        (r"\x2e\x2e", r"\x2e\x2e"),
        (r"\x00", r"\x00"),
        (r"\xc3\xa4", "ä"),
        (r"\xff", "\udcff"),
        (r"\x1b[2J"[:4], "\x1b"),
        (r"\x5cx2d", r"\x2d"),
    ],
)
def test_no_name_leads_to_another_folder(name: str, shown: str) -> None:
    """Names are looked up below the folders of runtimes: an escaped name must stay one component of a path."""
    found = of_cgroup(f"0::/machine.slice/machine-{name}.scope\n")[0]
    assert found.id == shown
    assert "/" not in found.id
    assert found.id not in (".", "..")


@pytest.mark.parametrize("shape", [*table.groups(), *table.folders()], ids=_label)
def test_no_row_takes_a_name_that_leaves_its_folder(shape: PathShape) -> None:
    for name in (".", "..", "", "a\nb"):
        path = shape.example.replace(shape.names, name)
        if path != shape.example:
            assert all(each.id != name for each in (*table.of_group(path), *table.of_folder(path)))


def test_a_hostile_name_is_a_claim_and_harmless_to_a_terminal() -> None:
    found = of_cgroup("0::/machine.slice/machine-\\x1b\\x5b2J.scope\n")[0]
    text = container_text(found)
    assert text.startswith("claimed to be systemd-nspawn ")
    assert "\x1b" not in text


def test_the_most_telling_mount_comes_first() -> None:
    """In a pod: /etc/hosts names the pod, /etc/hostname its sandbox, the termination log the container."""
    found = of_mounts(
        [
            "/",
            f"/var/lib/kubelet/pods/{U}/etc-hosts",
            f"/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{J}/hostname",
            f"/var/lib/kubelet/pods/{U}/containers/web/3c5a9b21",
            f"/var/lib/kubelet/pods/{U}/etc-hosts",
        ]
    )
    assert [each.id for each in found] == ["web", J, U]
    assert {each.pod for each in found} == {U}


def test_many_names_in_one_path_are_cut() -> None:
    assert len(of_cgroup(f"0::{f'/docker/{I}' * 50}\n")) == table.MOST
    assert len(of_mounts(f"/var/lib/docker/containers/{number:064x}/hosts" for number in range(50))) == table.MOST
