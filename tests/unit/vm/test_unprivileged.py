"""The user without rights that QEMU runs as: what it can reach, and what it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import MachineError
from harness.kernels.image import Image
from harness.vm import unprivileged
from harness.vm.accelerator import TCG
from harness.vm.command import DIES_WITH_US, Command
from harness.vm.root import Root
from harness.vm.settings import ALWAYS, NEVER, Settings
from harness.vm.unprivileged import User, closed, view
from tests.conftest import require

UID = 2_000_000_000


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to all, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def private(folder: Path) -> Path:
    """A closed folder with something that is needed, and a secret next to it."""
    needed = folder / "home" / "a b" / "needed"
    needed.mkdir(parents=True)
    (needed / "file").write_text("for all")
    (folder / "home" / "secret").write_text("not for all")
    (folder / "home").chmod(0o700)
    return needed


def test_the_closed_folder_is_found(folder: Path, private: Path) -> None:
    assert closed([private, private.parent, folder]) == {folder / "home": [private, private.parent]}


def test_nothing_to_show_takes_no_namespace(folder: Path) -> None:
    assert view({}, folder / "view", kvm=False) == ""
    assert "unshare" not in User(UID).prefix


def told(user: User, script: str, *words: str) -> str:
    ended = subprocess.run(
        (*user.prefix, "sh", "-c", script, "sh", *words), capture_output=True, text=True, timeout=60, check=False
    )
    return ended.stdout + ended.stderr


def test_it_has_no_rights_and_dies_with_us() -> None:
    require("setpriv", root=True)
    status = told(User(UID, (12345,)), "cat /proc/self/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (lines["Uid"], lines["Gid"], lines["Groups"].strip()) == ("\t".join([str(UID)] * 4),) * 2 + ("12345",)
    assert {lines[f"Cap{kind}"] for kind in ("Eff", "Prm", "Inh", "Amb")} == {"0" * 16}
    assert lines["NoNewPrivs"] == "1"
    script = "import ctypes; it = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(it)); print(it.value)"
    argv = (*User(UID).prefix, "/proc/self/fd/0", "-I", "-c", script)
    with open(sys.executable, "rb") as python:
        ended = subprocess.run(argv, stdin=python, capture_output=True, text=True, check=False)
    assert ended.stdout == "9\n", ended.stderr


def test_what_is_needed_is_shown_in_place_of_the_closed_folder(folder: Path, private: Path) -> None:
    require("setpriv", "unshare", root=True)
    above = folder / "above"
    above.mkdir()
    script = 'cat "$1/file" && ls -A "$2" && cat "$2/secret"'
    hidden = User(UID, (), view(closed([private]), above / "view", kvm=False))
    assert "Permission denied" in told(User(UID), script, str(private), str(folder / "home"))
    seen = told(hidden, script, str(private), str(folder / "home"))
    assert seen.startswith("for alla b\n")
    assert "not for all" not in seen
    mounted = Path("/proc/self/mountinfo").read_text()
    assert str(folder) not in mounted, "only its own namespace has the mounts"


def test_the_shared_folder_in_a_closed_one_is_reached_too(private: Path) -> None:
    """As with TMPDIR in the home folder of root: what the view is made of lies in there as well."""
    require("setpriv", "unshare", root=True)
    user = User(UID, (), view(closed([private]), private / "view", kvm=False))
    assert told(user, 'cat "$1/file"', str(private)) == "for all"


def test_it_owns_what_is_shared_and_follows_no_link(folder: Path) -> None:
    require(root=True)
    shared = folder / "guest"
    (shared / "initramfs").mkdir(parents=True)
    (shared / "events").touch(mode=0o600)
    (shared / "link").symlink_to(folder)
    User(UID).take(shared)
    assert {each.lstat().st_uid for each in (shared, *shared.rglob("*"))} == {UID}
    assert folder.stat().st_uid == 0


@pytest.mark.parametrize(("mode", "copied"), [(0o600, True), (0o644, False)])
def test_a_kernel_that_is_roots_alone_is_copied(folder: Path, mode: int, copied: bool) -> None:
    kernel = folder / "vmlinuz"
    kernel.write_bytes(b"kernel")
    kernel.chmod(mode)
    image = Image("a", "6.1", "", "x86_64", "0", kernel)
    readable = User(UID).readable(image, folder)
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

    def test_a_user_keeps_what_it_has(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert unprivileged.user(Settings(), self.image, self.root, folder, TCG, True) is None

    def test_never(self, folder: Path) -> None:
        assert unprivileged.user(Settings(unprivileged=NEVER), self.image, self.root, folder, TCG, True) is None

    def test_an_engine_with_daemons_keeps_roots_rights_unless_that_was_refused(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert unprivileged.user(Settings(), self.image, self.root, folder, TCG, False) is None
        with pytest.raises(MachineError, match="other programs read files"):
            unprivileged.user(Settings(unprivileged=ALWAYS), self.image, self.root, folder, TCG, False)

    def test_what_cannot_be_read_is_named(self, folder: Path) -> None:
        require("setpriv", root=True)
        secret = folder / "python"
        secret.touch(mode=0o600)
        root = Root(Path("/"), secret, Path("/bin/sh"))
        assert unprivileged.user(Settings(), self.image, root, folder, TCG, True) is None
        with pytest.raises(MachineError, match=f"{secret} cannot be read"):
            unprivileged.user(Settings(unprivileged=ALWAYS), self.image, root, folder, TCG, True)

    def test_each_machine_has_another(self, folder: Path) -> None:
        require("setpriv", "unshare", root=True)
        users = [unprivileged.user(Settings(), self.image, self.root, folder, TCG, True) for _ in range(2)]
        assert len({each.uid for each in users if each is not None}) == 2
