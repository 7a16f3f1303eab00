"""A pod of Kubernetes: containerd by the Container Runtime Interface, as a kubelet drives it."""

from __future__ import annotations

from harness.runtimes.driver import Commands, GuestContainer, InstancePaths
from harness.runtimes.drivers import _cri

SUMMARY = "a pod by the Container Runtime Interface: containerd's CRI plugin, the shim, and runc; no kubelet"
NEEDS = _cri.NEEDS
VERSIONS = _cri.VERSIONS


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    return _cri.commands(paths, container, shared_pid=False)
