"""podman, and the folders of containers/storage, which CRI-O uses too."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import ID, I, J, PathShape, mismatch, scope

ORDER = 50
_CGROUPS = "containers/podman: libpod/container_internal_linux.go, getOCICgroupPath()"
_CONMON = "containers/podman: libpod/oci_conmon_linux.go, moveConmonToCgroupAndSignal()"
_STORAGE = "containers/storage: store.go, ContainerRunDirectory(): RUNROOT/DRIVER-containers/ID/userdata"
_DIRECTORY = "containers/storage: store.go, ContainerDirectory(): ROOT/DRIVER-containers/ID/userdata"

GROUPS = (
    scope("podman", "libpod", f"{_CGROUPS}: machine.slice:libpod:ID", "/machine.slice"),
    scope("podman", "libpod", f"{_CGROUPS}; crun's group `container`", "/machine.slice", "/container"),
    scope(
        "podman", "libpod", f"{_CGROUPS}; systemd as the container's init", "/machine.slice", "/container/init.scope"
    ),
    scope(
        "podman",
        "libpod",
        f"{_CGROUPS}: rootless, user.slice",
        "/user.slice/user-1000.slice/user@1000.service/user.slice",
        "/container",
    ),
    scope(
        "podman",
        "libpod",
        "containers/podman: libpod/runtime_pod_linux.go, libpod_pod_ID",
        f"/machine.slice/machine-libpod_pod_{J}.slice",
        pod=J,
    ),
    mismatch("podman", "libpod", "/machine.slice", f"{_CGROUPS}, under a runtime with cgroupfs"),
    PathShape(
        "podman",
        f"libpod_parent/(?P<pod>[0-9a-f]{{64}})/libpod-{ID}",
        "containers/podman: libpod/runtime_pod_linux.go, PARENT/POD with cgroupfs",
        f"/libpod_parent/{J}/libpod-{I}",
        I,
        pod=J,
    ),
    PathShape("podman", f"libpod-{ID}", f"{_CGROUPS}: /libpod_parent/libpod-ID", f"/libpod_parent/libpod-{I}/ctr", I),
    PathShape(
        "podman",
        f"libpod-payload-{ID}",
        f"{_CGROUPS}: --cgroups=split, as Quadlet has it",
        f"/system.slice/web.service/libpod-payload-{I}",
        I,
    ),
    PathShape(
        "podman",
        rf"libpod-conmon-{ID}\.scope",
        f"{_CONMON}: libpod-conmon-ID.scope",
        f"/machine.slice/libpod-conmon-{I}.scope",
        I,
        note="the group of the container's monitor",
    ),
)
FOLDERS = (
    PathShape(
        "podman or cri-o",
        f"containers/storage/[a-z0-9]+-containers/{ID}(?:/.*)?",
        f"{_STORAGE}; cri-o/cri-o has the same",
        f"/containers/storage/overlay-containers/{I}/userdata/hostname",
        I,
    ),
    PathShape(
        "podman or cri-o",
        f"containers/storage/[a-z0-9]+-containers/{ID}(?:/.*)?",
        f"{_DIRECTORY}; the monitor works there",
        f"/var/lib/containers/storage/vfs-containers/{I}/userdata",
        I,
    ),
    PathShape(
        "podman",
        f"containers/[a-z0-9]+-containers/{ID}(?:/.*)?",
        f"{_STORAGE}: rootless, /run/user/N/containers",
        f"/run/user/1000/containers/overlay-containers/{I}/userdata/resolv.conf",
        I,
    ),
    PathShape(
        "podman",
        f"containers/[a-z0-9]+-containers/{ID}(?:/.*)?",
        f"{_STORAGE}: rootless, on the tmpfs of /run/user/N",
        f"/containers/overlay-containers/{I}/userdata/hosts",
        I,
    ),
)
