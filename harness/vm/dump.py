"""A crash dump of a guest while it hangs, by QEMU's own monitor: `dump-guest-memory` (docs/interop/qemu-qmp-ref).

QEMU's ELF file has the guest's VMCOREINFO, which every reader needs, where the guest has told it to the device
`vmcoreinfo`: its module qemu_fw_cfg does (drivers/firmware/qemu_fw_cfg.c, write_vmcoreinfo()).
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from harness.errors import MachineError

SOCKET = "qmp.socket"
"""In the folder that host and guest share."""
MODULE = "qemu_fw_cfg"
"""What the guest loads for it, where it is not built in."""
DEADLINE_S = 300.0
"""A gibibyte took 5 to 11 s on two cores."""


def devices(share: Path) -> tuple[str, ...]:
    """Return what QEMU's command line needs for it.  Pure."""
    path = str(share / SOCKET).replace(",", ",,")
    return ("-qmp", f"unix:{path},server=on,wait=off", "-device", "vmcoreinfo")


def take(share: Path, file: Path) -> None:
    """Write the guest's memory into `file`, whole or not at all; the guest stands still meanwhile.

    Raises:
        MachineError: QEMU cannot be asked, or could not write it.
    """
    partial = file.with_name(f".{file.name}.part")
    try:
        with _connected(share / SOCKET) as monitor:
            monitor.execute("dump-guest-memory", paging=False, protocol=f"file:{partial.absolute()}", format="elf")
        partial.replace(file)
    except OSError as error:
        raise MachineError(f"the guest's memory cannot be dumped into {file}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _connected(path: Path) -> _Monitor:
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.settimeout(DEADLINE_S)
        channel.connect(str(path))
        return _Monitor(channel)
    except BaseException:
        channel.close()
        raise


class _Monitor:
    """QEMU's machine protocol: a JSON object a line."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lines = channel.makefile("rb")
        self._lines.readline()  # its greeting
        self.execute("qmp_capabilities")

    def __enter__(self) -> _Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._channel.close()

    def execute(self, command: str, **arguments: object) -> None:
        """Run a command to its end; raises MachineError with QEMU's own words where it fails."""
        self._channel.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        for line in self._lines:
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                raise MachineError(f"QEMU refuses {command}: {answer['error'].get('desc', answer['error'])}")
            if "return" in answer:
                return  # what comes before are events
        raise MachineError(f"QEMU ended during {command}")
