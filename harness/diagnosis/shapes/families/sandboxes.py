"""Sandboxes of desktops and of clusters: flatpak, snap, apptainer, singularity.

bubblewrap and firejail make no control group and no folder that has a name: the process above init tells.
"""

from __future__ import annotations

from harness.diagnosis.shapes.shape import NAME, UNIT, PathShape

ORDER = 90
_FLATPAK = "flatpak/flatpak: common/flatpak-run.c, app-flatpak-APP-PID.scope, the name escaped"
_APPTAINER = "apptainer/apptainer: internal/pkg/cgroups/manager_linux.go, NewManagerWithSpec()"
_SINGULARITY = "sylabs/singularity: internal/pkg/cgroups/manager_linux.go, NewManagerWithSpec()"
_SNAP = "canonical/snapd: sandbox/cgroup/tracking.go, SECURITYTAG-UUID.scope"
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_USER = "/user.slice/user-1000.slice/user@1000.service"

GROUPS = (
    PathShape(
        "flatpak",
        rf"app-flatpak-{UNIT}-[0-9]+\.scope",
        _FLATPAK,
        rf"{_USER}/app.slice/app-flatpak-org.gnome.Maps\x2ddevel-15710.scope",
        "org.gnome.Maps-devel",
        escaped=True,
    ),
    PathShape(
        "snap",
        rf"snap\.{NAME}-{_UUID}\.scope",
        _SNAP,
        f"{_USER}/app.slice/snap.hello-world.sh-4706fe54-7802-4808-aa7e-ae8b567239e0.scope",
        "hello-world.sh",
    ),
    PathShape(
        "snap",
        rf"snap\.{NAME}\.service",
        "canonical/snapd: snap/info.go, AppInfo.ServiceName(): snap.SNAP.APP.service",
        "/system.slice/snap.lxd.daemon.service",
        "lxd.daemon",
    ),
    PathShape(
        "apptainer",
        r"apptainer-(?P<id>[0-9]+)\.scope",
        f"{_APPTAINER}: user.slice:apptainer:PID",
        f"{_USER}/user.slice/apptainer-4242.scope",
        "4242",
    ),
    PathShape("apptainer", "apptainer/(?P<id>[0-9]+)", f"{_APPTAINER}: /apptainer/PID", "/apptainer/4242", "4242"),
    PathShape(
        "singularity",
        r"singularity-(?P<id>[0-9]+)\.scope",
        f"{_SINGULARITY}: user.slice:singularity:PID",
        f"{_USER}/user.slice/singularity-4242.scope",
        "4242",
    ),
    PathShape(
        "singularity", "singularity/(?P<id>[0-9]+)", f"{_SINGULARITY}: /singularity/PID", "/singularity/4242", "4242"
    ),
)
FOLDERS = (
    PathShape(
        "flatpak",
        f"flatpak/app/{NAME}/[^/]+/[^/]+/[0-9a-f]{{64}}/files(?:/.*)?",
        "flatpak/flatpak: common/flatpak-dir.c, app/APP/ARCH/BRANCH/COMMIT/files",
        f"/var/lib/flatpak/app/org.gnome.Maps/x86_64/stable/{'0c' * 32}/files",
        "org.gnome.Maps",
    ),
)
