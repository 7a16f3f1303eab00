"""The firmware that tells whether an accelerator works, in a real emulator."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest

from harness.kernels import architectures
from harness.vm import accelerator
from tests.conftest import require


@pytest.mark.parametrize("machine", architectures.known())
def test_the_probes_firmware_runs(machine: str, tmp_path: Path) -> None:
    """Emulated, where it must work: so where KVM fails it, it is KVM that does not work."""
    architecture = architectures.of(machine)
    require(architecture.EMULATOR)
    file = tmp_path / "firmware"
    file.write_bytes(architecture.FIRMWARE)
    argv = accelerator.probe(architecture, "tcg", file)
    ended = subprocess.run(argv, capture_output=True, check=False, timeout=60)
    assert ended.returncode == architecture.PROBE_STATUS, ended.stderr
    file.write_bytes(bytes(len(architecture.FIRMWARE)))
    with contextlib.suppress(subprocess.TimeoutExpired):
        ended = subprocess.run(argv, capture_output=True, check=False, timeout=2)
        assert ended.returncode != architecture.PROBE_STATUS
