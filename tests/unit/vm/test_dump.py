"""A dump of a guest: what QEMU is asked for, and what its file lacks."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from harness.errors import MachineError
from harness.linux import kmsg
from harness.observe.memory import vmcoreinfo
from harness.vm import dump
from harness.vm.share import MONITOR

INFO = b"OSRELEASE=6.1.0\nBUILD-ID=00\nPAGESIZE=4096\nSYMBOL(init_uts_ns)=ffffffff82000000\n"
OWN_NOTE = struct.pack("<III", 5, 4, 0) + b"QEMU\0\0\0\0" + b"regs"


def elf(memory: bytes) -> bytes:
    """An ELF file as QEMU writes it: two section headers, one segment of notes, one of memory."""
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 192, 64, 0, 8, 56, 2, 64, 2, 1)
    head += bytes(2 * 64)
    at = 192 + 2 * 56
    notes = struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(OWN_NOTE), len(OWN_NOTE), 0)
    loaded = struct.pack("<IIQQQQQQ", 1, 0, at + len(OWN_NOTE), 0, 0, len(memory), len(memory), 0)
    return head + notes + loaded + OWN_NOTE + memory


@contextmanager
def monitor(share: Path, answer: dict[str, Any], contents: bytes = b"") -> Iterator[list[dict[str, Any]]]:
    """QEMU's monitor: says that it is there, sends an event, and answers; what it was asked is given."""
    asked: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(dump.monitor_of(share)))
        server.listen()

        def serve() -> None:
            channel, _ = server.accept()
            given: dict[str, int] = {}
            with channel:
                channel.sendall(b'{"QMP": {}}\n')
                while True:
                    line, descriptors, _, _ = socket.recv_fds(channel, 4096, 1)
                    if not line:
                        break
                    asked.append(json.loads(line))
                    reply: dict[str, Any] = {"return": {}}
                    if asked[-1]["execute"] == "getfd":
                        given[asked[-1]["arguments"]["fdname"]] = descriptors[0]
                    if asked[-1]["execute"] == "dump-guest-memory":
                        channel.sendall(b'{"event": "STOP"}\n')
                        reply = answer
                        with open(given[asked[-1]["arguments"]["protocol"].removeprefix("fd:")], "wb") as stream:
                            stream.write(contents)
                    channel.sendall(json.dumps(reply).encode() + b"\n")

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield asked
        thread.join(10)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """The guest has left its log, and waits."""
    folder = tmp_path / "share"
    folder.mkdir()
    (tmp_path / MONITOR).mkdir()
    (folder / dump.LOG).write_text("[    1.000000] hung\n")
    (folder / f"{dump.LOG}.whole").touch()
    return folder


def test_the_dump_has_vmcoreinfo_and_the_log_next_to_it(share: Path, tmp_path: Path) -> None:
    file = tmp_path / "vmcore"
    memory = bytes(4096) + INFO + bytes(8192)
    with monitor(share, {"return": {}}, elf(memory)) as asked:
        dump.take(share, file)
    assert asked[-1]["execute"] == "dump-guest-memory"
    assert asked[-1]["arguments"]["paging"] is False
    written = file.read_bytes()
    offset, length = struct.unpack_from("<Q", written, 64 + 8)[0], struct.unpack_from("<Q", written, 64 + 32)[0]
    notes = written[offset : offset + length]
    assert notes.startswith(OWN_NOTE)
    assert b"VMCOREINFO\0" in notes
    assert notes.rstrip(b"\0").endswith(INFO)
    assert memory in written
    assert dump.log_of(file).read_text() == "[    1.000000] hung\n"
    assert (share / dump.DONE).exists(), "the guest goes on"
    assert file.stat().st_mode & 0o077 == 0, "a machine's memory is for nobody else's eyes"


def test_what_qemu_refuses_leaves_no_file(share: Path, tmp_path: Path) -> None:
    file = tmp_path / "vmcore"
    with (
        monitor(share, {"error": {"class": "GenericError", "desc": "dump: no space"}}, b"half"),
        pytest.raises(MachineError, match="no space"),
    ):
        dump.take(share, file)
    assert sorted(each.name for each in tmp_path.iterdir()) == [MONITOR, "share"]
    assert (share / dump.DONE).exists()


def test_a_log_that_is_a_link_is_not_followed(share: Path, tmp_path: Path) -> None:
    """The guest may be hostile, and the folder is its own."""
    (tmp_path / "secret").write_text("the host's own")
    (share / dump.LOG).unlink()
    (share / dump.LOG).symlink_to(tmp_path / "secret")
    (share / dump.DONE).symlink_to(tmp_path / "made")
    with monitor(share, {"return": {}}, elf(INFO)), pytest.raises(MachineError):
        dump.take(share, tmp_path / "vmcore")
    assert not (tmp_path / "made").exists()


def test_a_monitor_that_is_a_link_is_not_followed(share: Path, tmp_path: Path) -> None:
    """QEMU's folder is its own: what took it over must not lead us to another program's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(tmp_path / "other"))
        other.listen()
        dump.monitor_of(share).symlink_to(tmp_path / "other")
        with pytest.raises(MachineError, match="cannot be dumped"):
            dump.take(share, tmp_path / "vmcore")
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_without_a_monitor_there_is_no_dump(share: Path, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be dumped"):
        dump.take(share, tmp_path / "vmcore")


def test_vmcoreinfo_is_told_from_other_text(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"OSRELEASE=in a shell's history\0" + bytes(64) + INFO + bytes(64))
    assert vmcoreinfo.find(path) == INFO
    path.write_bytes(bytes(4096))
    assert vmcoreinfo.find(path) is None


def test_the_command_lines_name_the_dump_and_the_symbols() -> None:
    lines = dump.commands(Path("/d/vmcore"), "6.1.0-1", None)
    assert lines[0] == "fusezap judge --vmcore /d/vmcore"
    assert all("/usr/lib/debug/boot/vmlinux-6.1.0-1" in line for line in lines[1:])


def test_the_log_reads_as_dmesg_prints_it() -> None:
    assert kmsg.line_of("6,1234,5678901,-;text\n SUBSYSTEM=x") == "[    5.678901] text"
    assert kmsg.line_of("no record") is None
