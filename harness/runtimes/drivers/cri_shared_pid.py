"""A pod with shareProcessNamespace: the init of its one PID namespace is the sandbox's pause program."""

from __future__ import annotations

from harness.runtimes.driver import Commands, GuestContainer, InstancePaths
from harness.runtimes.drivers import _cri

SUMMARY = "the same for a pod with shareProcessNamespace: its namespace stays, and the container does not end"
NEEDS = _cri.NEEDS
VERSIONS = _cri.VERSIONS


def commands(paths: InstancePaths, container: GuestContainer) -> Commands:
    return _cri.commands(paths, container, shared_pid=True)
