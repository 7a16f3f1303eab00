"""The virtual machine's parts that need no machine: command line, first script, a machine that is lost."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness import registry
from harness.errors import MachineError
from harness.kernels import architectures
from harness.kernels.image import Image
from harness.model.events import Said
from harness.vm import accelerator, dump, engines, initramfs, machine, root, session, share, start, visible, wire
from harness.vm.command import Command
from harness.vm.engines import _qemu, microvm, plain, virtiofs, virtme
from harness.vm.machine import LostError, last_words, started
from harness.vm.settings import Settings
from tests.conftest import require

IMAGE = Image("it", "6.1.0", "", "x86_64", "0", Path("/k/vmlinuz"), Path("/k/vmlinux"))


def test_the_emulators_command_line() -> None:
    argv = _qemu.argv(IMAGE, Settings(memory_mib=512), Path("/tmp/a,b/initramfs"), "tcg")
    pairs = dict(itertools.pairwise(argv))
    assert pairs["-kernel"] == "/k/vmlinux"
    assert pairs["-m"] == "512M"
    assert pairs["-initrd"] == "/tmp/a,b/initramfs"


@pytest.mark.parametrize(("accelerator", "cpu"), [("tcg", "max,"), ("kvm", "max")])
def test_only_an_emulated_processor_is_made_easy_to_emulate(accelerator: str, cpu: str) -> None:
    argv = _qemu.argv(IMAGE, Settings(), Path("/i"), accelerator)
    emulated = accelerator == "tcg"
    assert argv[argv.index("-cpu") + 1].startswith(cpu)
    assert ("-smap" in argv[argv.index("-cpu") + 1]) is emulated
    assert ("nolapic_timer" in argv[argv.index("-append") + 1]) is emulated


def test_what_the_user_says_of_the_command_line_comes_last() -> None:
    argv = _qemu.argv(IMAGE, Settings(append="init_on_alloc=1"), Path("/i"), "tcg")
    words = argv[argv.index("-append") + 1].split()
    assert "init_on_alloc=0" in words
    assert words[-1] == "init_on_alloc=1"


def test_the_root_is_shared_to_be_read_only() -> None:
    folders = plain.folders(Path("/"), Path("/tmp/a,b"))
    assert "local,id=share,path=/tmp/a,,b,security_model=none" in folders
    root = next(each for each in folders if each.startswith("local,id=root"))
    assert "readonly=on" in root.split(",")


def test_devices_on_the_command_line_are_of_no_bus() -> None:
    assert any(each.startswith("virtio-9p-device,") for each in plain.folders(Path("/"), Path("/tmp/share"), "device"))


def test_the_machine_without_a_bus_is_for_kernels_that_look_there(tmp_path: Path) -> None:
    require("qemu-system-x86_64", "busybox", "setpriv", "modprobe")
    elf = tmp_path / "vmlinux"
    elf.write_bytes(b"text virtio_mmio.device\0 more")
    image = replace(IMAGE, vmlinux=elf)
    assert microvm.refusal(image, Settings()) is None
    assert "could not be unpacked" in str(microvm.refusal(replace(image, vmlinux=None), Settings()))
    elf.write_bytes(b"text virtio_mmio.devices\0 more")
    assert "CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES" in str(microvm.refusal(image, Settings()))


def test_where_its_own_machine_does_not_come_up_an_engine_may_name_another() -> None:
    assert session._second(microvm, Settings()) is plain
    assert session._second(microvm, Settings(engine="microvm")) is microvm
    assert session._second(plain, Settings()) is plain


def test_both_daemons_of_virtiofs_get_options_of_their_own() -> None:
    share, socket = Path("/tmp/share"), Path("/tmp/s")
    assert "source=/tmp/share" in virtiofs.served("/usr/lib/qemu/virtiofsd", share, socket)
    argv = virtiofs.served("/usr/libexec/virtiofsd", share, socket)
    assert argv[argv.index("--shared-dir") + 1] == "/tmp/share"
    assert "-o" not in argv


def test_what_is_not_unpacked_starts_as_it_is() -> None:
    image = Image("it", "6", "", "x86_64", "0", Path("/k/vmlinuz"))
    argv = _qemu.argv(image, Settings(), Path("/i"), "kvm")
    assert argv[argv.index("-kernel") + 1] == "/k/vmlinuz"


def test_an_architecture_that_is_not_known_is_refused() -> None:
    image = Image("it", "6", "", "riscv64", "0", Path("/k"))
    for name in registry.names(engines):
        engine = registry.module(engines, name, "refusal")
        assert "riscv64" in str(engine.refusal(image, Settings())), name


def test_what_needs_this_machines_root_takes_no_other_architecture() -> None:
    (other, *_) = (machine for machine in architectures.known() if machine != os.uname().machine)
    image = Image("it", "6", "", other, "0", Path("/k"))
    assert other in str(virtme.refusal(image, Settings()))


@pytest.mark.parametrize("machine", architectures.known())
def test_each_architecture_has_a_command_line_of_its_own(machine: str) -> None:
    there = architectures.of(machine)
    argv = _qemu.argv(replace(IMAGE, machine=machine), Settings(), Path("/i"), "tcg", more="memory-backend=m")
    pairs = dict(itertools.pairwise(argv))
    assert argv[0] == there.EMULATOR
    assert pairs["-machine"] == f"{there.BOARD},memory-backend=m"
    assert pairs["-cpu"] == there.EMULATED_CPU
    assert pairs["-append"].split()[0] == f"console={there.CONSOLE}"


@pytest.mark.parametrize("hidden", [(), (Path("/tmp/check out"), Path("/run/env"))])
def test_the_first_script_is_one(hidden: tuple[Path, ...]) -> None:
    script = initramfs.script(("fuse.ko",), ("9p", "ro"), ("9p", "rw"), hidden, Path("/bin/busybox"))
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert script.index("/host") < script.index("tmpfs") if hidden else "/host" not in script
    for path in hidden:
        assert f"'/root{path}'" in script


def test_the_start_script_passes_the_forced_binding_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKEFS_FUSE", "mfusepy")
    assert " FAKEFS_FUSE=mfusepy" in start.script("true", "true")
    monkeypatch.delenv("FAKEFS_FUSE")
    assert "FAKEFS_FUSE" not in start.script("true", "true")


def test_the_start_script_is_one() -> None:
    script = start.script(start.python(root.own(), "a b", "c"), "true")
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert "'a b' c" in script


def test_what_the_guest_covers_is_put_back() -> None:
    paths = (Path("/tmp/checkout"), Path("/usr/lib"), Path("/tmpfiles"), Path("/run/x"))
    assert visible.hidden(paths) == (Path("/tmp/checkout"), Path("/run/x"))
    visible.check((*paths, Path("/dev/shm/checkout")))
    with pytest.raises(MachineError, match="/proc/1/root/x cannot be seen"):
        visible.check((Path("/proc/1/root/x"),))


def lost(script: str, folder: Path, deadline_s: float = 30) -> LostError:
    (folder / wire.EVENTS).touch()
    command = Command(("sh", "-c", script))
    with pytest.raises(LostError) as caught, started(command, folder, deadline_s, shown=False) as machine:
        list(machine.events(lambda _: True))
    return caught.value


def test_a_machine_that_ends_is_lost_with_its_last_words(tmp_path: Path) -> None:
    found = lost("printf 'one\\n\\033[31mKernel panic - not syncing\\033[0m\\r\\n'; exit 3", tmp_path)
    assert "status 3" in found.why
    assert found.console == ("Kernel panic - not syncing",)
    assert not found.reached_init


def test_a_panic_that_does_not_end_the_emulator_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that panics before it has read `panic=-1` stays."""
    monkeypatch.setattr(machine, "PANIC_S", 0.1)
    panic = "Kernel panic - not syncing: System is deadlocked on memory"
    found = lost(f"echo '[    0.1] {panic}'; exec sleep 600", tmp_path, deadline_s=500)
    assert found.why == f"the kernel panicked: {panic}"


def test_why_the_first_program_gave_up_is_the_reason(tmp_path: Path) -> None:
    found = lost(f"echo '{initramfs.FAULT}this kernel has no 9p (CONFIG_9P_FS)'", tmp_path)
    assert found.why == "this kernel has no 9p (CONFIG_9P_FS)"


@pytest.mark.parametrize("kind", ["9p", "virtiofs"])
def test_the_first_script_names_the_option_that_the_root_lacks(kind: str) -> None:
    script = initramfs.script((), (kind, "ro"), (kind, "rw"), (), Path("/bin/busybox"))
    assert {"9p": "(CONFIG_9P_FS)", "virtiofs": "(CONFIG_VIRTIO_FS)"}[kind] in script


def test_of_a_crash_its_beginning_is_told() -> None:
    lines = tuple(f"line {number}" for number in range(100))
    assert last_words(lines) == lines[-15:]
    crashed = (*lines[:30], "[ 1.0] Kernel panic - not syncing: sysrq", *lines[30:])
    assert last_words(crashed)[0] == crashed[30]
    assert len(last_words(crashed)) == 40


def test_a_machine_that_is_silent_is_lost(tmp_path: Path) -> None:
    (tmp_path / wire.REACHED_INIT).touch()
    found = lost("exec sleep 600", tmp_path, deadline_s=0.2)
    assert found.why == "no sign of life for 0.2 s"
    assert found.reached_init


def test_a_guest_that_tells_nonsense_is_lost(tmp_path: Path) -> None:
    assert "does not parse" in lost(f"echo 'all is well' > {tmp_path}/{wire.EVENTS}; exec sleep 600", tmp_path).why


def test_what_was_told_before_the_end_is_heard(tmp_path: Path) -> None:
    (tmp_path / wire.EVENTS).write_text(wire.line(0, Said("last")) + wire.line(1, wire.Bye()))
    with started(Command(("true",)), tmp_path, 30, shown=False) as machine:
        assert list(machine.events(lambda _: True)) == [Said("last"), wire.Bye()]


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(MachineError, match="no-such-emulator"),
        started(Command(("no-such-emulator",)), tmp_path, 1, False),
    ):
        pass


def test_the_shared_folder_goes_and_a_dead_ones_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "above", lambda: tmp_path)
    with share.shared("request") as folder:
        assert dump.monitor_of(folder).parent.parent.parent == tmp_path, "it goes with the machine's folder"
        assert pickle.loads((folder / wire.REQUEST).read_bytes()) == "request"
        assert list(share.abandoned()) == []
    assert list(tmp_path.iterdir()) == []
    dead = tmp_path / f"{share.PREFIX}dead"
    dead.mkdir()
    (dead / share.LOCK).touch()
    assert list(share.abandoned()) == [dead]


class TestKvmThatFails:
    """It passes the probe, and fails a real kernel: a stand-in prints what QEMU prints, and stays."""

    SAID = "KVM internal error. Suberror: 1"

    def test_it_is_noticed_within_a_second(self, tmp_path: Path) -> None:
        (tmp_path / wire.EVENTS).touch()
        command = Command(("sh", "-c", f"echo '{self.SAID}'; echo 'RAX=0000000000000000'; exec sleep 600"))
        began = time.monotonic()
        with pytest.raises(LostError) as caught, started(command, tmp_path, 120, False, boot_s=20) as machine:
            list(machine.events(lambda _: True))
        assert time.monotonic() - began < 20, "it does not wait for a deadline"
        assert caught.value.kvm_failed
        assert self.SAID in caught.value.why

    def test_a_machine_that_stops_without_a_word_has_a_short_limit(self, tmp_path: Path) -> None:
        (tmp_path / wire.EVENTS).touch()
        command = Command(("sleep", "600"))
        with pytest.raises(LostError) as caught, started(command, tmp_path, 120, False, boot_s=0.2) as machine:
            list(machine.events(lambda _: True))
        assert caught.value.kvm_failed

    def test_what_a_guest_prints_under_the_emulator_is_no_failure_of_kvm(self, tmp_path: Path) -> None:
        (tmp_path / wire.EVENTS).write_text(wire.line(0, wire.Bye()))
        command = Command(("sh", "-c", f"echo '{self.SAID}'; exec sleep 600"))
        with started(command, tmp_path, 30, False) as machine:
            assert list(machine.events(lambda _: True)) == [wire.Bye()]

    def test_it_is_remembered_for_this_boot_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setattr(accelerator, "kvm_works", lambda: True)
        assert accelerator.accelerator() == "kvm"
        accelerator.remember_failure(self.SAID)
        assert accelerator.failure() == self.SAID
        assert accelerator.accelerator() == "tcg"
        assert accelerator.accelerator("kvm") == "kvm", "who asks for it gets it"
        (record,) = (tmp_path / "fusezap").iterdir()
        record.write_text(json.dumps({"boot": "another", "why": self.SAID}))
        assert accelerator.accelerator() == "kvm"
        for damaged in ("", "[]", '{"boot": 1}', "\0"):
            record.write_text(damaged)
            assert accelerator.accelerator() == "kvm"

    def test_a_cache_that_cannot_be_written_to_is_no_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").touch()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        accelerator.remember_failure(self.SAID)

    def test_it_cannot_be_asked_for_where_it_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(accelerator, "kvm_works", lambda: False)
        with pytest.raises(MachineError, match="KVM does not work"):
            accelerator.accelerator("kvm")
        assert accelerator.accelerator() == accelerator.accelerator("tcg") == "tcg"

    def test_an_emulator_that_dies_of_it_before_init(self, tmp_path: Path) -> None:
        (tmp_path / wire.EVENTS).touch()
        for script, failed in (("kill -ABRT $$", True), ("exit 0", False)):
            command = Command(("sh", "-c", script))
            with pytest.raises(LostError) as caught, started(command, tmp_path, 30, False, boot_s=20) as machine:
                list(machine.events(lambda _: True))
            assert caught.value.kvm_failed is failed, "a kernel that panics ends QEMU with status 0"
