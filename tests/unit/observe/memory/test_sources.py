"""The files that kernel memory is read from, and what is said where it cannot be."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from harness.diagnosis.vmcore import read_dump
from harness.errors import MachineError
from harness.observe.memory import kallsyms, kcore, live
from harness.observe.memory.helper import memory_helper
from harness.observe.memory.kcore import Kcore
from harness.observe.memory.kernel import FaultError, UnavailableError
from harness.observe.memory.tasks import letter

START = 0xFFFF_8880_0000_0000


def core(*segments: tuple[int, bytes]) -> bytes:
    """An ELF file with these segments: (address, contents)."""
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0
    )
    at = 64 + 56 * len(segments)
    headers, contents = b"", b""
    for address, data in segments:
        headers += struct.pack("<IIQQQQQQ", 1, 7, at + len(contents), address, 0, len(data), len(data), 4096)
        contents += data
    return head + headers + contents


def test_addresses_lead_to_their_segment(tmp_path: Path) -> None:
    path = tmp_path / "kcore"
    path.write_bytes(core((START + 4096, b"second--"), (START, b"first---")))
    with Kcore(str(path)) as memory:
        assert memory.read(START + 2, 3) == b"rst"
        assert memory.read(START + 4096, 8) == b"second--"
        for address, size in ((START - 8, 8), (START + 4, 8), (START + 4100, 5), (1 << 64, 8)):
            with pytest.raises(FaultError):
                memory.read(address, size)


def test_symbols_are_found_by_their_whole_name() -> None:
    text = b"ffffffff81000000 T my_init_task\nffffffff82000000 D init_task\nffffffffc0000000 b fuse_conn_list\t[fuse]\n"
    text += b"ffffffffc1000000 b fuse_conn_list\t[other]\n"
    found = kallsyms.addresses(text, ("init_task", "fuse_conn_list", "none"))
    assert found == {"init_task": 0xFFFFFFFF82000000, "fuse_conn_list": 0xFFFFFFFFC0000000}


@pytest.mark.parametrize(
    ("state", "exit_state", "shown"),
    [
        (0, 0, "R"),
        (1, 0, "S"),
        (2, 0, "D"),
        (0x102, 0, "D"),
        (0x402, 0, "I"),
        (0x8000, 0, "D"),
        (4, 0, "T"),
        (8, 0, "t"),
        (0x80, 0x20, "Z"),
        (0x80, 0x10, "X"),
    ],
)
def test_states_have_the_letters_of_proc(state: int, exit_state: int, shown: str) -> None:
    assert letter(state, exit_state) == shown


class TestWhyNot:
    @pytest.fixture(autouse=True)
    def no_debug_info(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever this machine has."""
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    def why(self) -> str:
        with pytest.raises(UnavailableError) as raised, live.opened():
            pass
        return str(raised.value)

    @pytest.fixture
    def kernel_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The text of a kernel that shows all there is to see of one."""
        (tmp_path / "kcore").write_bytes(core((START, bytes(64))))
        (tmp_path / "kallsyms").write_text("ffffffff82000000 D init_task\n")
        (tmp_path / "lockdown").write_text("none [confidentiality]\n")
        monkeypatch.setattr(kcore, "PATH", str(tmp_path / "kcore"))
        monkeypatch.setattr(kallsyms, "PATH", str(tmp_path / "kallsyms"))
        monkeypatch.setattr(live, "_BTF", tmp_path)
        monkeypatch.setattr(live, "_LOCKDOWN", tmp_path / "none")
        return tmp_path

    def test_no_kcore(self, kernel_files: Path) -> None:
        (kernel_files / "kcore").unlink()
        assert "CONFIG_PROC_KCORE" in self.why()

    def test_a_kernel_that_is_locked_down(self, kernel_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live, "_LOCKDOWN", kernel_files / "lockdown")
        monkeypatch.setattr(kcore, "PATH", str(kernel_files))  # a folder: it cannot be read
        assert "locked down" in self.why()

    def test_no_types(self, kernel_files: Path) -> None:
        assert "CONFIG_DEBUG_INFO_BTF" in self.why()
        (kernel_files / "vmlinux").write_bytes(b"no types")
        assert str(kernel_files / "vmlinux") in self.why()

    def test_the_helper_says_it_once_and_goes_on(self, kernel_files: Path) -> None:
        (kernel_files / "kcore").unlink()
        with memory_helper(None, lambda _: None) as helper:
            assert helper.account() is None
            assert str(kernel_files / "kcore") in helper.failure
            assert "drgn" in helper.failure
            assert helper.account() is None


class TestDump:
    def refused(self, path: Path, folder: Path | None = None) -> str:
        with pytest.raises(MachineError) as raised:
            read_dump(path, folder)
        return str(raised.value)

    def test_no_file(self, tmp_path: Path) -> None:
        assert "No such file" in self.refused(tmp_path / "none")

    def test_a_truncated_file(self, tmp_path: Path) -> None:
        path = tmp_path / "vmcore"
        path.write_bytes(core((START, bytes(8192)))[:-1])
        assert "truncated" in self.refused(path)

    def test_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "vmcore"
        path.write_text("no dump")
        assert str(path) in self.refused(path)

    def test_a_dump_of_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "vmcore"
        path.write_bytes(core((START, bytes(64))))
        assert "no dump of a Linux kernel" in self.refused(path)

    def test_without_drgn(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
        assert "fusezap[drgn]" in self.refused(tmp_path / "none")
