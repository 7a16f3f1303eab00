"""A client of the Container Runtime Interface: one call per command, as crictl(1) does them.

    python -P -m harness.runtimes.cri.client --address SOCKET CALL NAME [ARGUMENT…]

NAME is the pod's: the file SOCKET.NAME keeps the identifiers of its sandbox and of its container.  The calls:

    version                               of the runtime
    run SPECIFICATION                     a sandbox, a container in it, which is started; the file has both as JSON
    status                                of the container
    list                                  the container among all
    stats                                 its processor time
    exec COMMAND…                         in the container
    stop SECONDS                          the container
    remove                                the container
    stop-pod, remove-pod                  its sandbox
    once SPECIFICATION                    run, await the end, remove both; the container's exit status

An error of the runtime is printed as `CODE: MESSAGE`, with exit status 1.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from harness.runtimes.cri.messages import PACKAGE, STATES, classes

ENDS_S = 20.0
_PAUSE_S = 0.02


class Client:
    """A connection to a runtime, and the identifiers of one pod."""

    def __init__(self, address: str, name: str) -> None:
        self._channel = grpc.insecure_channel(f"unix://{address}")
        self._classes = classes()
        self._file = Path(f"{address}.{name}")
        known = json.loads(self._file.read_text()) if self._file.exists() else {}
        self.sandbox: str = known.get("sandbox", "")
        self.container: str = known.get("container", "")

    def call(self, method: str, **fields: Any) -> Any:
        """Call a method of RuntimeService; grpc.RpcError where the runtime refuses."""
        request, reply = self._classes[f"{method}Request"], self._classes[f"{method}Response"]
        path = f"/{PACKAGE}.RuntimeService/{method}"
        ask = self._channel.unary_unary(
            path, request_serializer=request.SerializeToString, response_deserializer=reply.FromString
        )
        return ask(request(**fields))

    def run(self, specification: dict[str, Any]) -> None:
        """Start a sandbox and the container in it; what was made is remembered at once."""
        pod = specification["pod"]
        self.sandbox = self.call("RunPodSandbox", config=pod).pod_sandbox_id
        self._remember()
        self.container = self.call(
            "CreateContainer", pod_sandbox_id=self.sandbox, config=specification["container"], sandbox_config=pod
        ).container_id
        self._remember()
        self.call("StartContainer", container_id=self.container)

    def _remember(self) -> None:
        self._file.write_text(json.dumps({"sandbox": self.sandbox, "container": self.container}))

    def status(self) -> tuple[str, int]:
        """The container's state and exit status."""
        status = self.call("ContainerStatus", container_id=self.container).status
        return STATES[status.state], status.exit_code


def _version(client: Client) -> int:
    reply = client.call("Version")
    print(reply.runtime_name, reply.runtime_version)
    return 0


def _run(client: Client, file: str) -> int:
    client.run(json.loads(Path(file).read_text()))
    print(client.container)
    return 0


def _status(client: Client) -> int:
    print(*client.status())
    return 0


def _list(client: Client) -> int:
    for each in client.call("ListContainers").containers:
        if each.id == client.container:
            print(each.id[:12], STATES[each.state], each.metadata.name)
    return 0


def _stats(client: Client) -> int:
    stats = client.call("ContainerStats", container_id=client.container).stats
    print(f"{stats.attributes.id[:12]} {stats.cpu.usage_core_nano_seconds.value} ns")
    return 0


def _exec(client: Client, *command: str) -> int:
    reply = client.call("ExecSync", container_id=client.container, cmd=command)
    sys.stdout.write(reply.stdout.decode(errors="replace"))
    sys.stderr.write(reply.stderr.decode(errors="replace"))
    return int(reply.exit_code)


def _stop(client: Client, seconds: str) -> int:
    client.call("StopContainer", container_id=client.container, timeout=int(seconds))
    return 0


def _remove(client: Client) -> int:
    client.call("RemoveContainer", container_id=client.container)
    return 0


def _stop_pod(client: Client) -> int:
    client.call("StopPodSandbox", pod_sandbox_id=client.sandbox)
    return 0


def _remove_pod(client: Client) -> int:
    client.call("RemovePodSandbox", pod_sandbox_id=client.sandbox)
    return 0


def _once(client: Client, file: str) -> int:
    _run(client, file)
    end = time.monotonic() + ENDS_S
    while (found := client.status())[0] != "EXITED" and time.monotonic() < end:
        time.sleep(_PAUSE_S)
    _stop_pod(client)
    _remove_pod(client)
    return found[1] if found[0] == "EXITED" else 1


CALLS: dict[str, Callable[..., int]] = {
    "version": _version,
    "run": _run,
    "status": _status,
    "list": _list,
    "stats": _stats,
    "exec": _exec,
    "stop": _stop,
    "remove": _remove,
    "stop-pod": _stop_pod,
    "remove-pod": _remove_pod,
    "once": _once,
}


def main(argv: list[str]) -> int:
    """Make one call.

    Args:
        argv: `--address`, the socket, the call, the pod's name, and the call's arguments.

    Returns:
        0, the exit status of the command of `exec`, or 1 for an error of the runtime.
    """
    _, address, call, name, *arguments = argv
    try:
        return CALLS[call](Client(address, name), *arguments)
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
