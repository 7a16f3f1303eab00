"""podman: no daemon, a conmon for each container, and crun or runc."""

from __future__ import annotations

from harness.runtimes.driver import Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers import _docker_like

SUMMARY = "podman: no daemon, conmon beside each container, and runc"
NEEDS = (
    NeededProgram(("podman",), "podman"),
    NeededProgram(("conmon",), "conmon"),
    NeededProgram(("runc",), "runc"),
    NeededProgram(("tini", "docker-init", "catatonit"), "tini"),
)
VERSIONS = (("podman", ("--version",)), ("conmon", ("--version",)), ("runc", ("--version",)))


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    here = paths.folder
    own = (
        paths.tools["podman"],
        *("--root", f"{here}/containers/storage"),
        *("--runroot", f"{here}/runroot"),
        *("--tmpdir", f"{here}/tmp"),
        *("--storage-driver", "vfs"),
        *("--cgroup-manager", "cgroupfs"),
        *("--events-backend", "file"),
        *("--runtime", paths.tools["runc"]),
    )
    limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", "--init-path", container.init)
    return _docker_like.commands(own, container, limits)
