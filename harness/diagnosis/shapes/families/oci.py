"""OCI runtimes that no engine started, in scopes of systemd.

With cgroupfs and no path of its own runc's group is `/NAME`, which says nothing: the runtime's record of init tells.
"""

from __future__ import annotations

from harness.diagnosis.shapes.shape import NAME, PathShape

ORDER = 60
_RUNC = 'opencontainers/runc: libcontainer/specconv/spec_linux.go, CreateCgroupConfig(): ScopePrefix = "runc"'
_CRUN = "containers/crun: src/libcrun/cgroup-systemd.c, get_systemd_scope_and_slice(): crun-NAME.scope"
_YOUKI = "youki-dev/youki: crates/libcontainer/src/utils.rs, get_cgroup_path(): `:youki:NAME`"

GROUPS = (
    PathShape("runc", rf"runc-{NAME}\.scope", _RUNC, "/system.slice/runc-web-1.scope", "web-1"),
    PathShape("crun", rf"crun-{NAME}\.scope", _CRUN, "/system.slice/crun-web.scope/container", "web"),
    PathShape("youki", rf"youki-{NAME}\.scope", _YOUKI, "/system.slice/youki-web.scope", "web"),
    PathShape("youki", f"[^/:]*:youki:{NAME}", f"{_YOUKI}, with cgroupfs", "/:youki:web", "web"),
    PathShape(
        "runc",
        f"[^/:]*:runc:{NAME}",
        f"{_RUNC}: a spec with SLICE:runc:NAME, with cgroupfs",
        "/system.slice:runc:web",
        "web",
    ),
)
FOLDERS: tuple[PathShape, ...] = ()
