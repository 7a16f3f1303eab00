"""docker: a client, dockerd, the containerd that dockerd starts for itself, its shim, and runc."""

from __future__ import annotations

from harness.runtimes.driver import Commands, GuestContainer, InstancePaths, NeededProgram
from harness.runtimes.drivers import _docker_like
from harness.runtimes.records import Experiment

SUMMARY = "docker: dockerd with a containerd of its own, the shim, and runc"
NEEDS = (
    NeededProgram(("dockerd",), "docker.io"),
    NeededProgram(("docker",), "docker.io"),
    NeededProgram(("containerd",), "containerd"),
    NeededProgram(("runc",), "runc"),
    NeededProgram(("tini", "docker-init", "catatonit"), "tini"),
    NeededProgram(("ps",), "procps"),
)
VERSIONS = tuple((name, ("--version",)) for name in ("dockerd", "docker", "containerd", "runc"))
EXPERIMENTS = (Experiment.FLUSH, Experiment.EXEC)


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    here = paths.folder
    own = (paths.tools["docker"], "--host", f"unix://{here}/sock")
    daemon = (
        paths.tools["dockerd"],
        *("--host", f"unix://{here}/sock"),
        *("--data-root", f"{here}/docker"),
        *("--exec-root", f"{here}/exec"),
        *("--pidfile", f"{here}/pid"),
        *("--init-path", container.init),
        *("--storage-driver", "vfs"),
        *("--exec-opt", "native.cgroupdriver=cgroupfs"),
        *("--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false", "--bridge=none"),
    )
    return _docker_like.commands(own, container, (), daemon, (*own, "version"))
