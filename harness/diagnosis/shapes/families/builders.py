"""Builders of images: BuildKit, alone and in docker, and buildah."""

from __future__ import annotations

from harness.diagnosis.shapes.shape import BUILD, PathShape
from harness.diagnosis.shapes.shape import B as STEP

ORDER = 10
_CGROUP = 'moby/buildkit: executor/runcexecutor/executor.go, filepath.Join("/", cgroupParent, "buildkit", id)'
_BUILDAH = "containers/buildah: run_linux.go, runUsingRuntimeSubproc() with the name buildah-buildahN"

GROUPS = (
    PathShape("buildkit in docker", f"docker/buildkit/{BUILD}", _CGROUP, f"/docker/buildkit/{STEP}", STEP),
    PathShape("buildkit", f"buildkit/{BUILD}", _CGROUP, f"/buildkit/{STEP}", STEP),
    PathShape(
        "buildkit in docker",
        rf"docker-{BUILD}\.scope",
        "moby/buildkit: executor/runcexecutor/executor.go, with the parent `system.slice:docker:`",
        f"/system.slice/docker-{STEP}.scope",
        STEP,
    ),
    PathShape(
        "buildah",
        r"(?:runc|crun|youki)-buildah-(?P<id>buildah[0-9]+)\.scope",
        _BUILDAH,
        "/system.slice/crun-buildah-buildah2365838308.scope",
        "buildah2365838308",
    ),
    PathShape(
        "buildah",
        "buildah-(?P<id>buildah[0-9]+)",
        _BUILDAH,
        "/buildah-buildah789033157",
        "buildah789033157",
    ),
)
FOLDERS = (
    PathShape(
        "buildkit in docker",
        f"docker/buildkit/executor/{BUILD}/rootfs",
        "moby/moby: builder/builder-next/executor_linux.go, root/executor; moby/buildkit: runcexecutor/executor.go",
        f"/var/lib/docker/buildkit/executor/{STEP}/rootfs",
        STEP,
    ),
    PathShape(
        "buildkit",
        f"buildkit/[^/]+/executor/{BUILD}/rootfs",
        "moby/buildkit: cmd/buildkitd/main_oci_worker.go, worker/runc/runc.go, root/runc-SNAPSHOTTER/executor",
        f"/var/lib/buildkit/runc-overlayfs/executor/{STEP}/rootfs",
        STEP,
    ),
)
