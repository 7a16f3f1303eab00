"""containerd without Kubernetes: nerdctl, ctr, namespaces of others."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import ID, NAME, I, PathShape, mismatch, scope

ORDER = 40
_NERDCTL = "containerd/nerdctl: pkg/cmd/container/run_cgroup_linux.go, generateCgroupPath()"
_NAMESPACED = "containerd/containerd: pkg/oci/spec_opts.go, WithNamespacedCgroup(): /NAMESPACE/ID"
_BUNDLE = "containerd/containerd: core/runtime/v2/bundle.go, NewBundle(): STATE/NAMESPACE/ID"

GROUPS = (
    scope("containerd", "nerdctl", f"{_NERDCTL}: system.slice:nerdctl:ID", "/system.slice"),
    scope(
        "containerd",
        "nerdctl",
        f"{_NERDCTL}: rootless, user.slice",
        "/user.slice/user-1000.slice/user@1000.service/user.slice",
    ),
    mismatch("containerd", "nerdctl", "/system.slice", f"{_NERDCTL}, under a runtime with cgroupfs"),
    PathShape("containerd", f"^/default/{NAME}", f"{_NAMESPACED}, of ctr", "/default/redis", "redis"),
    PathShape("containerd", rf"k8s\.io/{ID}", f"{_NAMESPACED}, of the CRI without a cgroup parent", f"/k8s.io/{I}", I),
    PathShape(
        "containerd",
        f"^/eve-user-apps/{NAME}",
        "lf-edge/eve: pkg/pillar/containerd/containerd.go, the namespace `eve-user-apps`",
        f"/eve-user-apps/{I[:36]}",
        I[:36],
    ),
)
FOLDERS = (
    PathShape(
        "containerd",
        rf"io\.containerd\.runtime\.v2\.task/[^/]+/{NAME}(?:/.*)?",
        _BUNDLE,
        "/run/containerd/io.containerd.runtime.v2.task/default/redis/rootfs",
        "redis",
    ),
    PathShape(
        "containerd",
        rf"io\.containerd\.runtime\.v1\.[a-z]+/[^/]+/{NAME}(?:/.*)?",
        "containerd/containerd 1.x: runtime/v1/linux/bundle.go",
        f"/run/containerd/io.containerd.runtime.v1.linux/k8s.io/{I}",
        I,
    ),
    PathShape(
        "containerd",
        f"nerdctl/[0-9a-f]{{8}}/containers/[^/]+/{ID}/.*",
        "containerd/nerdctl: docs/dir.md, DATAROOT/ADDRHASH/containers/NAMESPACE/ID",
        f"/var/lib/nerdctl/1935db59/containers/default/{I}/resolv.conf",
        I,
    ),
    PathShape(
        "containerd",
        f"nerdctl/[0-9a-f]{{8}}/etchosts/[^/]+/{ID}/hosts",
        "containerd/nerdctl: docs/dir.md, DATAROOT/ADDRHASH/etchosts/NAMESPACE/ID",
        f"/var/lib/nerdctl/1935db59/etchosts/default/{I}/hosts",
        I,
    ),
)
