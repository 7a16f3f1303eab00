"""A guest that is root within reads only what everybody may read here."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.observe.memory import vmcoreinfo
from harness.vm.root import busybox
from tests.vm import inside
from tests.vm.conftest import KERNEL, fusezap

_SCRIPT = """
id -u
{busybox} stat -c %u /run/fusezap-vm/told
ls {folder}
cat {folder}/secret /etc/shadow
{fusezap} check exit-flush-self
"""


def test_a_guest_of_root_reads_no_secret_and_runs() -> None:
    with tempfile.TemporaryDirectory(dir=Path("/opt")) as name:  # the guest has a /tmp of its own
        Path(name, "secret").write_text("a secret of the host")
        script = _SCRIPT.format(busybox=busybox(), folder=name, fusezap=inside.FUSEZAP)
        told = inside.told(KERNEL, script)
    user, owner = map(int, told.split()[:2])
    assert user == 0
    assert owner != 0, "QEMU is not root"
    assert told.count("Permission denied") == 3, told
    assert "a secret" not in told
    assert "root:" not in told
    assert "deadlock" in told


def test_its_memory_is_dumped_where_its_user_may_not_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    vmcore = tmp_path / "vmcore"
    ran = fusezap("run", "exit-flush-self", "--kernel", KERNEL, "--unprivileged", "always", "--dump", str(vmcore))
    assert ran.returncode == 0, ran.stderr
    assert "resolved by abort" in ran.stdout, "the guest went on"
    assert vmcoreinfo.find(vmcore) is not None, "the whole memory is there"
    assert vmcore.stat().st_uid == 0
