"""The guard's own side: a loop over the harness's requests, and the clean-up when they end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prctl

from harness.boundary import bug_text
from harness.guard import rundir, spawn
from harness.guard.cleanup import (
    Hold,
    descendants,
    reap,
    release_and_reap,
    remove_folder,
    remove_groups,
    take_hold,
)
from harness.guard.rundir import MOUNT_POINT, Owner
from harness.linux import fusectl
from harness.linux.cgroup import Freezer
from harness.linux.fusectl import Fusectl
from harness.linux.process import Process
from harness.linux.propagation import make_mounts_private
from harness.linux.syscalls import (
    CLONE_NEWNS,
    CLONE_NEWUSER,
    MNT_DETACH,
    UMOUNT_NOFOLLOW,
    mount,
    umount,
    unshare,
)

MESSAGE_MAX = 1 << 16
Reply = dict[str, Any]


def main(channel: socket.socket, name: str, harness: Process, boot: str) -> None:
    """Never returns; the exit status says nothing, for nobody may be left to read it."""
    try:
        os.setsid()
        os.chdir("/")
        prctl.set_name("fusezap-guard")
        prctl.set_child_subreaper(1)
        wakeup = _take_signals()
        _close_inherited(channel.fileno(), *wakeup)
        _GuardProcess(channel, name, harness, boot, wakeup[0]).run()
    finally:
        os._exit(0)


def _take_signals() -> tuple[int, int]:
    """SIGTERM ends the run; SIGCHLD wakes the loop; what a terminal or a closed pipe sends is ignored."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return reader, writer


def _close_inherited(*keep: int) -> None:
    """Nothing of the harness stays open here: not its terminal, not the pipe that its reader waits on."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    low = 3
    for fd in sorted(keep):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


class _GuardProcess:
    def __init__(self, channel: socket.socket, name: str, harness: Process, boot: str, wakeup: int) -> None:
        self.channel = channel
        self.name = name
        self.harness = harness
        self.boot = boot
        self.wakeup = wakeup
        self.folder: Path | None = None
        self.lock = -1
        """Open as long as this process lives: whoever else can lock the folder may remove it."""
        self.ctl: Fusectl | None = None
        self.holds: list[Hold] = []
        self.freezer: Freezer | None = None
        self.kept = False
        self.actions: dict[str, Callable[[Any], Reply]] = {
            "program": self._program,
            "container": self._container,
            "hold": self._hold,
            "freeze": self._freeze,
            "thaw": self._thaw,
            "keep": self._keep,
        }

    def run(self) -> None:
        try:
            self._prepare()
            self._serve()
        except OSError:
            raise  # a refusal of this machine's, which has been told
        except BaseException as error:
            with contextlib.suppress(OSError):
                self._send({"bug": bug_text(error)[-MESSAGE_MAX // 2 :]})
            raise
        finally:
            left = self._clean_up()
            with contextlib.suppress(OSError):
                self._send({"left": left})

    def _prepare(self) -> None:
        """A refusal is told to the harness, which explains it.  `base` is found before we are root in a namespace."""
        base = rundir.base()
        what = "namespaces"
        try:
            mode = self._enter_namespaces()
            what = "folder"
            owner = Owner(self.boot, self.harness, Process.of(os.getpid()))
            self.folder, self.lock = rundir.create(self.name, base, owner)
        except OSError as error:
            self._send(_failure(what, error))
            raise
        fds = [self.ctl.folder] if self.ctl else []
        socket.send_fds(self.channel, [json.dumps({"mode": mode, "folder": str(self.folder)}).encode()], fds)

    def _enter_namespaces(self) -> str:
        uid, gid = os.getuid(), os.getgid()
        mode = "root"
        try:
            unshare(CLONE_NEWNS)
        except PermissionError:
            mode = "user-namespace"
            unshare(CLONE_NEWUSER | CLONE_NEWNS)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
            # Gaining capabilities cleared the flag (commit_creds()), and with it went the harness's right to look.
            prctl.set_dumpable(1)
        make_mounts_private()
        if not fusectl.is_mounted():  # it may be mounted elsewhere as well
            with contextlib.suppress(OSError):  # a user namespace may not: then a forced unmount must do
                mount("none", fusectl.FOLDER, "fusectl")
        with contextlib.suppress(OSError):
            if fusectl.is_mounted():
                self.ctl = Fusectl(os.open(fusectl.FOLDER, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        return mode

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        poll.register(self.wakeup, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == self.wakeup:
                    childless = reap()
                    if bytes([signal.SIGTERM]) in os.read(self.wakeup, 4096) or (self.kept and childless):
                        return
                    continue
                message = self._receive()
                if message is None and self.kept:
                    poll.unregister(self.channel)
                elif message is None or message["do"] == "end":
                    return
                else:
                    self._answer(message)

    def _receive(self) -> Reply | None:
        """None when the harness is gone."""
        try:
            data = self.channel.recv(MESSAGE_MAX)
        except OSError:
            return None
        message: Reply | None = json.loads(data) if data else None
        return message

    def _send(self, reply: Reply) -> None:
        self.channel.send(json.dumps(reply).encode())

    def _answer(self, message: Reply) -> None:
        try:
            reply = self.actions[message["do"]](message)
        except OSError as error:
            reply = _failure(message["do"], error)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the next recv() says so too
            self._send(reply)

    def _program(self, message: Reply) -> Reply:
        return {"pid": spawn.program(message["argv"], message["env"], message["log"])}

    def _container(self, message: Reply) -> Reply:
        shim, init = spawn.container(message["programs"], message["env"], message["log"], message["nested"])
        return {"shim": shim, "init": init}

    def _hold(self, _: Reply) -> Reply:
        self.holds.extend(take_hold(descendants(), self.name, self.ctl, self.holds))
        return {
            "connections": [
                {
                    "number": hold.number,
                    "fsname": hold.fsname,
                    "point": hold.point,
                    "tid": hold.tid,
                    "abort": hold.abort_fd is not None,
                    "unmount": hold.mount_ns_fd is not None,
                }
                for hold in self.holds
            ]
        }

    def _freeze(self, message: Reply) -> Reply:
        self.freezer = Freezer.make(self.name, message["version"])
        self.freezer.freeze(message["pids"])
        return {"folder": str(self.freezer.folder)}

    def _thaw(self, _: Reply) -> Reply:
        if self.freezer is not None:
            self.freezer.thaw()
        return {}

    def _keep(self, _: Reply) -> Reply:
        assert self.folder is not None
        self.kept = True
        Owner(self.boot, self.harness, Process.of(os.getpid()), kept=True).write(self.folder)
        return {}

    def _clean_up(self) -> list[str]:
        self._thaw({})
        left = release_and_reap(self.name, self.ctl, self.holds)
        if not left:
            left = remove_groups(self.name)
        if not left and self.folder is not None:
            with contextlib.suppress(OSError):  # a server beside the container mounts in our own mount namespace
                umount(str(self.folder / MOUNT_POINT), MNT_DETACH | UMOUNT_NOFOLLOW)
            left = remove_folder(self.folder)
        return left


def _failure(what: str, error: OSError) -> Reply:
    return {
        "what": what,
        "error": f"{error.strerror}{f' ({error.filename})' if error.filename else ''}",
        "errno": error.errno,
    }
