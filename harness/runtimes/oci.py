"""A bundle's config.json, as the OCI runtime specification describes it.  Pure."""

from __future__ import annotations

import json

from harness.runtimes.driver import GuestContainer

VERSION = "1.0.2"
_CAPABILITIES = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SYS_ADMIN",
)
_FUSE = {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666, "uid": 0, "gid": 0}
_RULES = (
    {"allow": False, "access": "rwm"},
    {"allow": True, "type": "c", "major": 1, "access": "rwm"},
    {"allow": True, "type": "c", "major": 5, "access": "rwm"},
    {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"},
)


def config(container: GuestContainer, program: tuple[str, ...] | None = None) -> str:
    """`program`: another one than the container's own, with no init before it, and nobody to reap."""
    args = [container.init, "--", *container.program] if program is None else list(program)
    name = container.name if program is None else f"{container.name}-well"
    binds = [
        {
            "destination": bind.path,
            "source": bind.path,
            "type": "bind",
            "options": ["rbind", "rw" if bind.writable else "ro"],
        }
        for bind in container.binds
    ]
    return json.dumps(
        {
            "ociVersion": VERSION,
            "process": {
                "terminal": False,
                "user": {"uid": 0, "gid": 0},
                "args": args,
                "env": [f"{key}={value}" for key, value in container.env.items()],
                "cwd": "/",
                "capabilities": {kind: list(_CAPABILITIES) for kind in ("bounding", "effective", "permitted")},
                "noNewPrivileges": False,
            },
            "root": {"path": container.rootfs, "readonly": False},
            "hostname": "fusezap",
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {
                    "destination": "/dev",
                    "type": "tmpfs",
                    "source": "tmpfs",
                    "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
                },
                *binds,
            ],
            "linux": {
                "cgroupsPath": f"{container.cgroup}/{name}",
                "devices": [_FUSE],
                "resources": {"devices": list(_RULES)},
                "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")],
            },
        },
        indent=2,
    )
