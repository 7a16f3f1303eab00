"""The user without rights that QEMU runs as: what it can reach, and what it cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.errors import MachineError
from harness.kernels.image import Image
from harness.vm import unprivileged
from harness.vm.accelerator import TCG
from harness.vm.command import DIES_WITH_US, Command
from harness.vm.root import Root
from harness.vm.settings import ALWAYS, NEVER, Settings
from harness.vm.share import MONITOR
from harness.vm.unprivileged import User, closed, view
from tests.conftest import require

UID = 2_000_000_000


def test_the_closed_folder_is_found(open_folder: Path, private_folder: Path) -> None:
    assert closed([private_folder, private_folder.parent, open_folder]) == {
        open_folder / "home": [private_folder, private_folder.parent]
    }


def test_nothing_to_show_takes_no_namespace(open_folder: Path) -> None:
    assert view({}, open_folder / "view", kvm=False) == ""
    assert "unshare" not in User(UID).prefix


def test_it_owns_what_is_shared_and_follows_no_link(open_folder: Path) -> None:
    require(root=True)
    shared = open_folder / "guest"
    (shared / "initramfs").mkdir(parents=True)
    (shared / "events").touch(mode=0o600)
    (shared / "link").symlink_to(open_folder)
    monitor = open_folder / MONITOR
    monitor.mkdir()
    User(UID).take(shared)
    assert {each.lstat().st_uid for each in (shared, monitor, *shared.rglob("*"))} == {UID}
    assert open_folder.stat().st_uid == 0


@pytest.mark.parametrize(("mode", "copied"), [(0o600, True), (0o644, False)])
def test_a_kernel_that_is_roots_alone_is_copied(open_folder: Path, mode: int, copied: bool) -> None:
    kernel = open_folder / "vmlinuz"
    kernel.write_bytes(b"kernel")
    kernel.chmod(mode)
    image = Image("a", "6.1", "", "x86_64", "0", kernel)
    readable = User(UID).readable(image, open_folder)
    assert readable.vmlinux is None
    assert readable.kernel is not None
    assert (readable.kernel != kernel) is copied
    assert readable.kernel.read_bytes() == b"kernel"


def test_the_emulator_alone_is_started_by_it() -> None:
    command = Command((*DIES_WITH_US, "qemu", "-x"))
    assert User(UID).starts(command).argv == (*User(UID).prefix, "qemu", "-x")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("         0          0 4294967295\n", True),
        ("         0     100000      65536\n", False),
        ("0 0 1\n1 100000 2100000000\n", True),
        ("", False),
    ],
)
def test_a_number_must_be_in_the_map(text: str, found: bool) -> None:
    assert unprivileged._mapped(UID, text) is found


class TestChoice:
    root = Root(Path("/"), Path(sys.executable), Path("/bin/sh"))
    image = Image("a", "6.1", "", "x86_64", "0", Path("/bin/sh"))

    def test_a_user_keeps_what_it_has(self, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert unprivileged.user(Settings(), self.image, self.root, open_folder, TCG, True) is None

    def test_never(self, open_folder: Path) -> None:
        assert unprivileged.user(Settings(unprivileged=NEVER), self.image, self.root, open_folder, TCG, True) is None

    def test_an_engine_with_daemons_keeps_roots_rights_unless_that_was_refused(
        self, open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert unprivileged.user(Settings(), self.image, self.root, open_folder, TCG, False) is None
        with pytest.raises(MachineError, match="other programs read files"):
            unprivileged.user(Settings(unprivileged=ALWAYS), self.image, self.root, open_folder, TCG, False)

    def test_what_cannot_be_read_is_named(self, open_folder: Path) -> None:
        require("setpriv", root=True)
        secret = open_folder / "python"
        secret.touch(mode=0o600)
        root = Root(Path("/"), secret, Path("/bin/sh"))
        assert unprivileged.user(Settings(), self.image, root, open_folder, TCG, True) is None
        with pytest.raises(MachineError, match=f"{secret} cannot be read"):
            unprivileged.user(Settings(unprivileged=ALWAYS), self.image, root, open_folder, TCG, True)

    def test_each_machine_has_another(self, open_folder: Path) -> None:
        require("setpriv", "unshare", root=True)
        users = [unprivileged.user(Settings(), self.image, self.root, open_folder, TCG, True) for _ in range(2)]
        assert len({each.uid for each in users if each is not None}) == 2
