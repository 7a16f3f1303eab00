"""Starts what a scenario declares, and does not wait for it: what a start needs is imported here, and no more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.guard.rundir import MOUNT_POINT
from harness.launch import argv
from harness.launch.notify import Notifications
from harness.linux.process import Process
from harness.scenario import Frame, Place, Scenario

if TYPE_CHECKING:
    from harness.guard.client import Guard

PYTHON = (sys.executable, "-P", "-m")


class Launch:
    """Starts the programs; the guard ends them.  As a context manager it closes the readiness socket."""

    def __init__(self, scenario: Scenario, guard: Guard) -> None:
        self.scenario = scenario
        self.guard = guard
        self.mount_point = guard.folder / MOUNT_POINT
        self.log = guard.folder / "programs.log"
        self.journal = guard.folder / "journal.jsonl"
        self.control = guard.folder / "control"
        self.places = argv.Places(PYTHON, guard.name, str(self.mount_point), str(self.journal), str(self.control))
        self.notifications = Notifications(guard.folder / "notify")
        self.env = {"NOTIFY_SOCKET": str(self.notifications.path)}
        self.container: tuple[int, int] | None = None
        self.outside: Process | None = None

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, *_: object) -> None:
        self.notifications.close()

    @property
    def has_fakefs(self) -> bool:
        return self.scenario.server is not Place.NOWHERE and not self.scenario.command

    def start(self) -> None:
        """Starts what must be ready first, where it belongs, and does not wait for it."""
        self.mount_point.mkdir()
        scenario = self.scenario
        if scenario.frame is Frame.PROCESS or scenario.server is Place.OUTSIDE:
            server = argv.server(scenario, self.places)
            self.outside = Process.of(self.guard.program(server, self.env, self.log))
        else:
            self.start_container()

    def start_container(self) -> tuple[int, int]:
        """(shim, init)"""
        if self.container is None:
            inside = argv.inside(self.scenario, self.places)
            nested = self.scenario.frame is Frame.NESTED
            self.container = self.guard.container(inside, self.env, self.log, nested=nested)
        return self.container

    def start_tracer(self, pid: int) -> None:
        self.guard.program([*PYTHON, "harness.launch.programs.tracer", str(pid)], self.env, self.log)
