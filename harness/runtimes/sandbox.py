"""The harness's side of a sandbox: it starts one, and sends it requests."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fakefs.sockets import reached
from harness.errors import LaunchError, MachineError
from harness.guard.client import Guard
from harness.launch.notify import Notifications
from harness.linux import procfs
from harness.linux.mountinfo import MountEntry, read_mountinfo
from harness.linux.process import Process
from harness.runtimes.driver import Argv
from harness.runtimes.records import Answer
from harness.runtimes.sandboxed import SANDBOX, SOCKET

READY_S = 20.0
_SLACK_S = 5.0
"""Seconds beyond the time limit of a command, in which the sandbox kills it and replies."""


class Pending:
    """A command that has been started."""

    def __init__(self, channel: socket.socket, bound_s: float) -> None:
        self._channel = channel
        self._bound_s = bound_s
        self._began = time.monotonic()
        self._data = b""

    def answer(self, shows: str = "", within_s: float | None = None) -> Answer:
        """`within_s`: from now on; None: its own bound.  What it wrote is lost where it has not ended by then."""
        limit = self._bound_s + _SLACK_S if within_s is None else within_s
        self._channel.settimeout(max(limit, 0.001))
        try:
            while chunk := self._channel.recv(65536):
                self._data += chunk
        except TimeoutError:
            return Answer(None, "", time.monotonic() - self._began, self._bound_s)
        self._channel.close()
        reply: dict[str, Any] = json.loads(self._data) if self._data else {"error": "the sandbox is gone"}
        if "error" in reply:
            raise LaunchError(reply["error"])
        return Answer(
            reply["status"], said(reply["text"], shows, reply["errors"], reply["status"]), reply["took"], self._bound_s
        )

    def under_way(self) -> bool:
        """True if the command still runs; never waits."""
        return not select.select([self._channel], [], [], 0)[0]


def said(text: str, shows: str, errors: str = "", status: int | None = None) -> str:
    """The answer of a command, in a line.

    Args:
        text: Its standard output.
        shows: A pattern; all groups that it finds, in a row, are what the command says.
        errors: Its standard error, whose notices (warnings, deprecations) are no answer.
        status: Its exit status.  Of one that succeeded, the output counts before the errors.

    Returns:
        The groups, or the first line that tells of an error, or the first line that is not blank.
    """
    found = re.search(shows, f"{text}\n{errors}") if shows else None
    if found is not None:
        return " ".join(group for group in found.groups() if group)
    answers = _lines(text)
    messages = [line for line in _lines(errors) if not _NOTICE.search(line)]
    lines = [_message(line) for line in (*answers, *messages)]
    if status == 0 and answers:
        return lines[0]
    failures = [line for line in lines if re.search(r"(?i)\berror\b|cannot|failed", line)]
    return (failures or lines or [""])[0]


_NOTICE = re.compile(r"""(?i)\blevel=(?:warning|info|debug)\b|^warn(?:ing)?\b|\bWARN\[|\bdeprecat""")
"""A line of stderr that says nothing about what was asked: podman's on cgroups v1, docker's on what will go."""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _message(line: str) -> str:
    """`time="…" level=error msg="what it says"` → `what it says`, as the programs in Go log."""
    found = re.search(r'\bmsg="((?:[^"\\]|\\.)*)"', line)
    return found[1].replace('\\"', '"') if found else line


class Sandbox:
    def __init__(self, guard: Guard, pid: int, notifications: Notifications) -> None:
        self.guard = guard
        self.notifications = notifications
        self._pid = pid
        self.env: dict[str, str] = {
            "PATH": f"{SANDBOX}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": f"{SANDBOX}/home",
            "TMPDIR": f"{SANDBOX}/tmp",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }

    def path(self, inside: str) -> Path:
        """A path of the sandbox, as it can be reached from here."""
        return Path(f"/proc/{self._pid}/root{inside}")

    def install(self, tools: Mapping[str, str]) -> None:
        """Under these names the programs are found first, by the runtimes too."""
        for name, target in tools.items():
            self.path(f"{SANDBOX}/bin/{name}").symlink_to(target)

    def write(self, inside: str, text: str) -> None:
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def start(self, argv: Argv, bound_s: float) -> Pending:
        return Pending(self._asked(do="run", argv=argv, bound=bound_s), bound_s)

    def run(self, argv: Argv, bound_s: float, shows: str = "") -> Answer:
        return self.start(argv, bound_s).answer(shows)

    def daemon(self, argv: Argv, log: str) -> Process:
        channel = self._asked(do="daemon", argv=argv, log=log)
        channel.settimeout(READY_S)
        reply = json.loads(channel.recv(65536))
        channel.close()
        if "error" in reply:
            raise LaunchError(reply["error"])
        return Process.of(reply["pid"])

    def hide(self, path: str) -> None:
        """The mounts that any process of the sandbox sees."""
        channel = self._asked(do="hide", path=path)
        channel.settimeout(READY_S)
        channel.recv(65536)
        channel.close()

    def mounts(self) -> tuple[MountEntry, ...]:
        return read_mountinfo(self._pid, self._pid)

    def processes(self) -> list[int]:
        """The processes in the sandbox's mount namespace, but for its own."""
        namespace = procfs.read_namespace(self._pid, self._pid, "mnt")
        found = []
        for pid in procfs.user_pids():
            try:
                if pid != self._pid and procfs.read_namespace(pid, pid, "mnt") == namespace:
                    found.append(pid)
            except OSError:
                continue
        return found

    def _asked(self, **request: Any) -> socket.socket:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        with reached(self.guard.folder / SOCKET) as address:
            channel.connect(address)
        channel.sendall(json.dumps({"env": self.env, **request}).encode())
        channel.shutdown(socket.SHUT_WR)
        return channel


@contextmanager
def sandbox_started(guard: Guard) -> Iterator[Sandbox]:
    """A running sandbox; the guard kills it and everything started in it."""
    notifications = Notifications(guard.folder / "notify")
    log = guard.folder / "sandbox.log"
    try:
        env = {"NOTIFY_SOCKET": str(notifications.path)}
        argv = [sys.executable, "-P", "-m", "harness.runtimes.sandboxed", str(guard.folder), guard.name]
        pid = guard.program(argv, env, log)
        try:
            notifications.ready("the sandbox", READY_S, log, lambda: os.path.exists(f"/proc/{pid}"))
        except LaunchError as error:
            raise MachineError(
                str(error), "it needs a mount and a network namespace, a tmpfs and overlayfs: run as root"
            ) from error
        yield Sandbox(guard, pid, notifications)
    finally:
        notifications.close()
