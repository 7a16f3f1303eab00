"""Starts what a scenario declares, and does not wait for it: what a start needs is imported here, and no more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.launch.notify import Notifications
from harness.rundir import MOUNT_POINT, Process
from harness.scenario import HELD_FILE, Holder, Place, Scenario

if TYPE_CHECKING:
    from harness.guard.client import Guard


class Launch:
    """What has been started is the guard's to clean up; as a context manager, it closes the readiness socket."""

    def __init__(self, scenario: Scenario, guard: Guard) -> None:
        self.scenario = scenario
        self.guard = guard
        self.mount_point = guard.folder / MOUNT_POINT
        self.log = guard.folder / "programs.log"
        self.journal = guard.folder / "journal.jsonl"
        self.control = guard.folder / "control"
        self.notifications = Notifications(guard.folder / "notify")
        self.env = {"NOTIFY_SOCKET": str(self.notifications.path)}
        self.container: tuple[int, int] | None = None
        self.outside: Process | None = None

    def __enter__(self) -> Launch:
        return self

    def __exit__(self, *_: object) -> None:
        self.notifications.close()

    def start(self) -> None:
        """Starts the server, where it belongs, and does not wait for it."""
        self.mount_point.mkdir()
        if self.scenario.server is Place.INSIDE:
            self.start_container()
        else:
            self.outside = Process.of(self.guard.program(self._server(), self.env, self.log))

    def start_container(self) -> tuple[int, int]:
        """(shim, init)"""
        if self.container is None:
            self.container = self.guard.container(self._programs_inside(), self.env, self.log)
        return self.container

    def _server(self) -> list[str]:
        """-P: a file of the user's folder must not take a module's place."""
        argv = [sys.executable, "-P", "-m", "fakefs", str(self.mount_point)]
        argv += ["--fsname", self.guard.name]
        argv += ["--journal", str(self.journal)]
        argv += ["--control", str(self.control)]
        argv += ["--file", f"/{HELD_FILE}"]
        for rule in self.scenario.rules:
            argv += ["--rule", rule]
        if self.scenario.holder is Holder.SERVER:
            argv += ["--hold", f"/{HELD_FILE}"]
        return argv

    def _programs_inside(self) -> list[list[str]]:
        programs = []
        if self.scenario.server is Place.INSIDE:
            programs.append(self._server())
        if self.scenario.holder is Holder.PROCESS:
            programs.append([sys.executable, "-P", "-m", "fakefs.hold", str(self.mount_point / HELD_FILE)])
        return programs
