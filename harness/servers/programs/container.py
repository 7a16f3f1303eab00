"""The first program of a server's container: prepares, starts the backend, then the server, and stays.

    python -m harness.servers.programs.container SPECIFICATION

The file has a JSON object: `top` is where a tmpfs called `run` is mounted, in which `folders` and `files` are made;
then follow `prepare`, `backend`, which listens on `port`, and `serve`, all with `stdin` and `env`.  A server that fails
is reported to NOTIFY_SOCKET; its success is not, for the workload reports the mount.
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
from typing import Any

from fakefs.notify import notify, one_line
from harness.linux.syscalls import mount

_PAUSE_S = 0.01


def serve(spec: dict[str, Any]) -> None:
    """Run what the specification says, and return when a server in the foreground has ended well.

    Raises:
        OSError, subprocess.CalledProcessError: One of the commands could not be run, or failed.
    """
    mount(spec["run"], spec["top"], "tmpfs", 0, "mode=755")
    for folder in spec["folders"]:
        os.mkdir(folder)
    for path, text in spec["files"]:
        Path(path).write_text(text)
        os.chmod(path, 0o600)
    # Without our socket: sshd and others report to whoever listens there that they are ready.
    env = {**{name: text for name, text in os.environ.items() if name != "NOTIFY_SOCKET"}, **dict(spec["env"])}
    given = spec["stdin"].encode()
    for argv in spec["prepare"]:
        subprocess.run(argv, input=given, env=env, check=True)
    if spec["backend"]:
        backend = subprocess.Popen(spec["backend"], stdin=subprocess.DEVNULL, env=env)
        while not _listens(spec["port"]):
            if backend.poll() is not None:
                raise subprocess.CalledProcessError(backend.returncode, spec["backend"])
            time.sleep(_PAUSE_S)
    subprocess.run(spec["serve"], input=given, env=env, check=True)


def _listens(port: int) -> bool:
    with socket.socket() as channel:
        return channel.connect_ex(("127.0.0.1", port)) == 0


def main(path: str) -> None:
    """Run the program; never returns."""
    try:
        serve(json.loads(Path(path).read_text()))
    except (OSError, subprocess.CalledProcessError) as error:
        os.write(2, f"{error}\n".encode())
        with contextlib.suppress(OSError):  # nobody listens once the experiment has begun
            notify("ERRNO=1", f"STATUS={one_line(str(error))}")
    while True:
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
