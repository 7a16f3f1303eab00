"""The sandbox: a process with a mount and a network namespace of its own, that runs a runtime's commands in them.

Nothing that a runtime writes gets out, whatever it is: /run is empty and in memory, and over /etc and /var lies an
overlay in memory.  All of it goes with the last process of the sandbox.  Each of them shows a mount whose source is the
run's name, by which `fusezap clean` finds it.

    python -m harness.runtimes.sandboxed FOLDER NAME

The harness asks through FOLDER/sandbox, a request a connection, as JSON, ended by shutting down its side of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import prctl

from fakefs.notify import notify
from fakefs.sockets import listening
from harness.linux.propagation import in_chroot, make_mounts_private, make_root_of_namespace
from harness.linux.syscalls import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    MNT_DETACH,
    MS_BIND,
    mount,
    umount,
    unshare,
)

SOCKET = "sandbox"
SANDBOX = "/run/sandbox"
"""The folder of the private instances."""
COVERED = ("/etc", "/var")
TEXT_MAX = 1 << 18
_KILLED_S = 1.0


def set_up(folder: str, name: str) -> None:
    unshare(CLONE_NEWNS | CLONE_NEWNET)
    make_mounts_private()
    if in_chroot():  # an exec into the container, by setns(2), would land in the host's root
        make_root_of_namespace()
    ours = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    mount(name, "/run", "tmpfs", 0, "mode=755")
    Path(folder).mkdir(parents=True)
    mount(f"/proc/self/fd/{ours}", folder, None, MS_BIND)
    os.close(ours)
    for covered in COVERED:
        upper, work = (f"{SANDBOX}/over{covered}/{each}" for each in ("upper", "work"))
        Path(upper).mkdir(parents=True)
        Path(work).mkdir()
        mount(name, covered, "overlay", 0, f"lowerdir={covered},upperdir={upper},workdir={work}")
    for made in ("bin", "home", "tmp", "output"):
        Path(SANDBOX, made).mkdir()


def serve(listener: socket.socket) -> None:
    while True:
        channel, _ = listener.accept()
        Thread(target=_answer, args=(channel,), daemon=True).start()


def _answer(channel: socket.socket) -> None:
    with channel, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        data = b""
        while chunk := channel.recv(65536):
            data += chunk
        try:
            request = json.loads(data)
            reply = _DO[request["do"]](request)
        except OSError as error:
            reply = {"error": f"{error.filename or 'command'}: {error.strerror}"}
        channel.sendall(json.dumps(reply).encode())


def _run(request: dict[str, Any]) -> dict[str, Any]:
    """Run a command.  Its output goes to a file: its descendants may keep the output open as long as they live."""
    path = f"{SANDBOX}/output/{time.monotonic_ns()}"
    began = time.monotonic()
    with open(path, "w+b") as output, open(f"{path}.errors", "w+b") as errors:
        process = _started(request, output.fileno(), errors.fileno())
        status: int | None = None
        try:
            status = process.wait(request["bound"])
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_KILLED_S)
        took = time.monotonic() - began
        texts = []
        for stream in (output, errors):
            stream.seek(0)
            texts.append(stream.read(TEXT_MAX).decode(errors="replace"))
    os.unlink(path)
    os.unlink(f"{path}.errors")
    return {"status": status, "text": texts[0], "errors": texts[1], "took": took}


def _daemon(request: dict[str, Any]) -> dict[str, Any]:
    with open(request["log"], "ab") as log:
        process = _started(request, log.fileno(), log.fileno())
    Thread(target=process.wait, daemon=True).start()
    return {"pid": process.pid}


def _hide(request: dict[str, Any]) -> dict[str, Any]:
    if os.path.ismount(request["path"]):  # a control group's hierarchy, which does not hang
        umount(request["path"], MNT_DETACH)
    return {}


_DO = {"run": _run, "daemon": _daemon, "hide": _hide}


def _started(request: dict[str, Any], output: int, errors: int) -> subprocess.Popen[bytes]:
    """A session of its own: a bound kills the command and what it started in the foreground."""
    return subprocess.Popen(
        request["argv"],
        env=request["env"],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )


def main(folder: str, name: str) -> None:
    prctl.set_name("fusezap-sandbox")
    listener = listening(f"{folder}/{SOCKET}")
    try:
        set_up(folder, name)
    except OSError as error:
        notify(f"ERRNO={error.errno}", f"STATUS={error.strerror} ({error.filename})")
        raise
    notify("READY=1")
    serve(listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
