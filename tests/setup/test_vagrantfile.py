"""The Vagrantfile is one, whatever the environment chooses."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def machine() -> None:
    """In place of that of the set-up script's tests."""
    require("vagrant")


def validated(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FUSEZAP_", "VAGRANT_"))}
    env = {**clean, "VAGRANT_HOME": str(tmp_path), "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot"), **settings}
    return subprocess.run(["vagrant", "validate"], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"VAGRANT_DEFAULT_PROVIDER": "libvirt"},
        {"VAGRANT_DEFAULT_PROVIDER": "libvirt", "FUSEZAP_DRIVER": "qemu"},
        {"FUSEZAP_BOX": "debian/trixie64"},
        {"FUSEZAP_KERNEL": "linux-image-cloud-amd64"},
        {"FUSEZAP_KERNEL": "linux-image-amd64/bookworm-backports"},
        {"FUSEZAP_CPUS": "4", "FUSEZAP_MEMORY": "4096"},
    ],
)
def test_it_is_valid(tmp_path: Path, settings: dict[str, str]) -> None:
    done = validated(tmp_path, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validated successfully" in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("FUSEZAP_KERNEL", "6.1; reboot"), ("FUSEZAP_KERNEL", "bash"), ("FUSEZAP_CPUS", "0"), ("FUSEZAP_MEMORY", "2G")],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    done = validated(tmp_path, **{name: value})
    assert done.returncode != 0
    assert f"{name} is" in done.stderr
