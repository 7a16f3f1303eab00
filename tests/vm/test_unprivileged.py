"""A guest that is root within reads only what everybody may read here."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.vm.root import busybox
from tests.vm import inside
from tests.vm.conftest import KERNEL

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
