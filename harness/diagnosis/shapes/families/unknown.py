"""Shapes that show a container and not its engine."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import ID, I, PathShape

ORDER = 1000

GROUPS = (
    PathShape(
        "docker or containerd",
        ID,
        "moby/moby: daemon/oci_linux.go, WithCgroups(): PARENT/ID of --cgroup-parent, with cgroupfs",
        f"/batch/{I}",
        I,
    ),
    PathShape(
        "docker or containerd",
        ID,
        "containerd/containerd: pkg/oci/spec_opts.go, WithNamespacedCgroup(): a namespace that is not known",
        f"/plant-7/{I}/init.scope",
        I,
    ),
)
FOLDERS: tuple[PathShape, ...] = ()
