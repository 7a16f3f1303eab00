"""A crash dump of a guest while it hangs, by QEMU's own monitor: `dump-guest-memory` (QEMU Machine Protocol).

The guest stops at its verdict until the dump is there.  No reader opens a dump without the note VMCOREINFO, which QEMU
writes where the guest has a driver for its device of that name; elsewhere it is added here, out of the memory.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import stat
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import MachineError
from harness.files import SECRET, replace_bytes
from harness.kernels.image import Image
from harness.linux import kmsg
from harness.linux.polling import poll
from harness.observe.memory import vmcoreinfo
from harness.observe.memory.kcore import HEAD
from harness.vm.share import MONITOR

MODULE = "qemu_fw_cfg"
"""The module that gives QEMU the address of VMCOREINFO (write_vmcoreinfo()); loaded if it is not built in."""
LOG = "dmesg"
"""In the folder that host and guest share, as DONE."""
_WHOLE = f"{LOG}.whole"
_MOST_LOG = 1 << 26
DONE = "dumped"
DEADLINE_S = 300.0
"""For a dump; a gibibyte took 5 to 11 s on two cores."""
_LOOK_EVERY_S = 0.05
_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_PT_NOTE = 4
_NOTE = struct.Struct("<III")


def devices(share: Path) -> tuple[str, ...]:
    """Return what QEMU's command line needs for it.  Pure."""
    path = str(monitor_of(share)).replace(",", ",,")
    return ("-qmp", f"unix:{path},server=on,wait=off", "-device", "vmcoreinfo")


def monitor_of(share: Path) -> Path:
    """The socket of QEMU's monitor: in a folder next to the shared one, where the guest does not see it.  Pure."""
    return share.with_name(MONITOR) / "qmp"


def await_taken(share: Path) -> None:
    """In the guest: leave the kernel's log in the shared folder, and wait until the host has the dump."""
    (share / LOG).write_text(kmsg.read_all(), encoding="utf-8", errors="surrogateescape")
    (share / _WHOLE).touch()
    poll(DEADLINE_S, (share / DONE).exists, _LOOK_EVERY_S)


def take(share: Path, file: Path, patience_s: float = DEADLINE_S) -> None:
    """Write the guest's memory into `file` and its log next to it; the guest stands still meanwhile, then goes on.

    Args:
        share: The folder that host and guest share.
        file: The dump.
        patience_s: Seconds for the guest to come to the moment of the dump.

    Raises:
        MachineError: The guest does not come to it, QEMU cannot be asked, or could not write it.
    """
    fd, name = tempfile.mkstemp(prefix=f".{file.name[:100]}.", dir=file.absolute().parent)
    partial = Path(name)
    try:
        poll(patience_s, lambda: os.path.lexists(share / _WHOLE) or not share.is_dir(), _LOOK_EVERY_S)
        if not os.path.lexists(share / _WHOLE):
            raise MachineError(f"the guest does not come to the moment of the dump within {patience_s:g} s")
        with _connected(monitor_of(share)) as monitor:
            # QEMU may have no right to open anything there: it writes through a descriptor of ours.
            monitor.give("dump", fd)
            monitor.execute("dump-guest-memory", paging=False, protocol="fd:dump", format="elf")
        _tidied(partial)
        text = vmcoreinfo.find(partial)
        if text is not None:
            _add_note(partial, vmcoreinfo.NOTE, text)
        partial.replace(file)
        replace_bytes(log_of(file), _log(share / LOG), SECRET)
    except OSError as error:
        raise MachineError(f"the guest's memory cannot be dumped into {file}: {error}") from error
    finally:
        os.close(fd)
        partial.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(os.open(share / DONE, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o644))


def _log(path: Path) -> bytes:
    """Take the guest's file, and follow no link that the guest may have put in its place."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as stream:
        return stream.read(_MOST_LOG) if stat.S_ISREG(os.fstat(fd).st_mode) else b""


def log_of(file: Path) -> Path:
    """The path of the guest's log: next to the dump."""
    return file.with_name(f"{file.name}.dmesg")


def commands(file: Path, release: str, vmlinux: Path | None) -> tuple[str, ...]:
    """Return the command lines that look into the dump.

    `vmlinux`: that of a build tree; None: where a distribution's package puts it.  Pure.
    """
    symbols = vmlinux or Path(f"/usr/lib/debug/boot/vmlinux-{release}")
    return (f"fusezap judge --vmcore {file}", f"drgn -c {file} -s {symbols}", f"crash {symbols} {file}")


def symbols_of(image: Image) -> Path | None:
    """Return the vmlinux of a build tree, which has what a debugger needs; None for what came in a package."""
    return None if image.package else image.vmlinux


def _tidied(file: Path) -> None:
    """Put the program headers right behind the ELF header, where crash and makedumpfile expect them.

    QEMU writes section headers between them, which describe nothing, from its version 7.2 on.
    """
    with file.open("r+b") as stream:
        head = stream.read(HEAD)
        fields = list(_ELF_HEADER.unpack_from(head))
        first, size, count = fields[5], fields[9], fields[10]
        table = head[first : first + size * count]
        offsets = [_SEGMENT.unpack_from(table, place)[2] for place in range(0, len(table), size)]
        if _ELF_HEADER.size + len(table) > min(offsets):
            return  # there is no room for them: it is another layout than is known here
        fields[5:9] = _ELF_HEADER.size, 0, fields[7], _ELF_HEADER.size
        fields[11:14] = 0, 0, 0  # no section headers
        stream.seek(0)
        stream.write(_ELF_HEADER.pack(*fields) + table)


def _add_note(file: Path, name: bytes, text: bytes) -> None:
    """Add a note to an ELF file that lacks it: all notes are written anew at its end, and the header leads there."""
    with file.open("r+b") as stream:
        head = stream.read(HEAD)
        fields = _ELF_HEADER.unpack_from(head)
        first, size, count = fields[5], fields[9], fields[10]
        for place in range(first, first + count * size, size):
            kind, flags, offset, address, physical, length, _, align = _SEGMENT.unpack_from(head, place)
            if kind != _PT_NOTE:
                continue
            stream.seek(offset)
            notes = stream.read(length)
            if _padded(name) in notes:
                return
            notes += _NOTE.pack(len(name) + 1, len(text), 0) + _padded(name) + text + bytes(-len(text) % 4)
            offset = stream.seek(0, 2)
            stream.write(notes)
            stream.seek(place)
            stream.write(_SEGMENT.pack(kind, flags, offset, address, physical, len(notes), len(notes), align))
            return


def _padded(name: bytes) -> bytes:
    return name + bytes(4 - len(name) % 4)


def _connected(path: Path) -> _Monitor:
    """The monitor at that socket.  A link is not followed: a guest may have got the better of QEMU and put it there."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.settimeout(DEADLINE_S)
        found = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if not stat.S_ISSOCK(os.fstat(found).st_mode):
                raise OSError(errno.ENOTSOCK, "it is no socket", str(path))
            channel.connect(f"/proc/self/fd/{found}")
        finally:
            os.close(found)
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
        self._run(command, arguments, ())

    def give(self, name: str, descriptor: int) -> None:
        """Give QEMU an open file, which commands name `fd:NAME` from then on."""
        self._run("getfd", {"fdname": name}, (descriptor,))

    def _run(self, command: str, arguments: dict[str, Any], descriptors: Sequence[int]) -> None:
        request = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        socket.send_fds(self._channel, [request], descriptors)
        for line in self._lines:
            answer: dict[str, Any] = json.loads(line)
            if "error" in answer:
                raise MachineError(f"QEMU refuses {command}: {answer['error'].get('desc', answer['error'])}")
            if "return" in answer:
                return  # what comes before are events
        raise MachineError(f"QEMU ended during {command}")
