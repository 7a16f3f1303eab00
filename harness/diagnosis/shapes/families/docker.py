"""docker: with cgroupfs and with systemd, with root and without."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import ID, I, J, PathShape, U, V, mismatch, scope

ORDER = 20
_CGROUPS = "moby/moby: daemon/oci_linux.go, WithCgroups()"
_FILES = "moby/moby: daemon/container_operations_unix.go and container/container_unix.go, NetworkMounts()"
_SHIM = "containerd/containerd: core/runtime/v2/bundle.go, NewBundle(); moby/moby: namespace `moby`"

GROUPS = (
    PathShape("docker", f"docker/{ID}", f"{_CGROUPS}: parent /docker", f"/docker/{I}", I),
    scope("docker", "docker", f"{_CGROUPS}: parent system.slice, prefix docker", "/system.slice"),
    scope(
        "docker",
        "docker",
        f"{_CGROUPS}: Rootless, parent user.slice",
        "/user.slice/user-1000.slice/user@1000.service/user.slice",
    ),
    scope("docker", "docker", f"{_CGROUPS}: HostConfig.CgroupParent", "/batch.slice", "/init.scope"),
    scope(
        "docker",
        "docker",
        "Mirantis/cri-dockerd: core/helpers_linux.go, the cgroup parent of a pod",
        f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{V}.slice",
        pod=U,
    ),
    mismatch("docker", "docker", "/system.slice", f"{_CGROUPS}, under runc without --systemd-cgroup"),
    PathShape(
        "docker",
        f"moby/{ID}",
        "containerd/containerd: pkg/oci/spec_opts.go, WithNamespacedCgroup(); moby/moby: the namespace `moby`",
        f"/moby/{I}",
        I,
    ),
)
FOLDERS = (
    PathShape("docker", f"docker/containers/{ID}(?:/.*)?", _FILES, f"/var/lib/docker/containers/{I}/hostname", I),
    PathShape(
        "docker",
        f"docker/containers/{ID}(?:/.*)?",
        f"{_FILES}; docker's documentation, Rootless mode: ~/.local/share/docker",
        f"/srv/u/.local/share/docker/containers/{I}/resolv.conf",
        I,
    ),
    PathShape(
        "docker",
        rf"containers/{ID}/(?:hostname|hosts|resolv\.conf|mounts/shm)",
        f"{_FILES}, where /var/lib/docker is a filesystem of its own, or --data-root names another folder",
        f"/containers/{I}/hostname",
        I,
    ),
    PathShape(
        "docker",
        rf"io\.containerd\.runtime\.v[12]\.[a-z]+/moby/{ID}(?:/.*)?",
        _SHIM,
        f"/run/containerd/io.containerd.runtime.v2.task/moby/{I}",
        I,
    ),
    PathShape(
        "docker",
        rf"io\.containerd\.runtime\.v[12]\.[a-z]+/moby/{ID}(?:/.*)?",
        "containerd/containerd 1.x: runtime/v1/linux/bundle.go",
        f"/run/docker/containerd/daemon/io.containerd.runtime.v1.linux/moby/{J}",
        J,
    ),
)
