"""FUSE servers that are not ours, unchanged, in the place of fakefs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require
from tests.live.conftest import Fusezap
from tests.meta.tree import ROOT

EXAMPLES = Path("/usr/share/doc/libfuse3-dev/examples")
SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")
NESTED = "{mountpoint}/etc/hostname"
"""Below a mirror of /: the server opens a file of its own mount to serve it."""


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """libfuse 3's own, as Debian's package has them."""
    require("cc", "pkg-config")
    if not (EXAMPLES / "passthrough.c").exists():
        pytest.skip(f"missing: {EXAMPLES}/passthrough.c (Debian's libfuse3-dev)")
    folder = tmp_path_factory.mktemp("examples")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=True
    ).stdout.split()
    for name in ("hello", "passthrough", "passthrough_fh"):
        subprocess.run(["cc", "-o", folder / name, EXAMPLES / f"{name}.c", *flags], check=True)
    return folder


def served(fusezap: Fusezap, command: str, hold: str) -> dict[str, Any]:
    done = fusezap("run", "--server", command, "--hold", hold, "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["leftovers"] == []
    assert isinstance(result, dict)
    return result


@pytest.mark.parametrize("daemon", [False, True])
def test_a_server_that_holds_nothing_of_its_own_lets_the_namespace_go(
    fusezap: Fusezap, examples: Path, daemon: bool
) -> None:
    foreground = "" if daemon else "-f "
    assert served(fusezap, f"{examples}/hello {foreground}{{mountpoint}}", "/hello")["outcome"] == "released"


@pytest.mark.parametrize("name", ["passthrough", "passthrough_fh"])
def test_a_mirror_of_the_root_is_safe_until_it_is_led_through_itself(
    fusezap: Fusezap, examples: Path, name: str
) -> None:
    command = f"{examples}/{name} -f {{mountpoint}}"
    assert served(fusezap, command, "/etc/hostname")["outcome"] == "released"
    result = served(fusezap, command, NESTED)
    assert result["outcome"] == "deadlock", result["reasons"]
    assert result["resolution"]["action"] == "abort"
    servers = [task["tid"] for task in result["tasks"] if task["comm"] == name and task["state"] == "D"]
    dead = {node["id"] for node in result["wait_graph"]["nodes"] if node["dead"]}
    assert {f"task:{tid}" for tid in servers} & dead, "the server's own thread is in the knot"


def test_the_same_by_one_file_of_rules(fusezap: Fusezap) -> None:
    rules = ROOT / "docs" / "examples" / "nested-open.toml"
    command = f"{sys.executable} -P -m fakefs {{mountpoint}} --file /held --file /other --policy {rules}"
    result = served(fusezap, command, "/held")
    assert result["outcome"] == "deadlock", result["reasons"]


def test_sshfs_whose_file_another_process_opens(fusezap: Fusezap, tmp_path: Path) -> None:
    require("sshfs")
    if not SFTP_SERVER.exists():
        pytest.skip(f"missing: {SFTP_SERVER}")
    transport = tmp_path / "transport"
    transport.write_text(f"#!/bin/sh\nexec {SFTP_SERVER}\n")
    transport.chmod(0o755)
    command = f"sshfs -f any:/ {{mountpoint}} -o ssh_command={transport}"
    result = served(fusezap, command, "/etc/hostname")
    assert result["outcome"] == "released"


def test_a_server_that_never_mounts_is_told_with_its_last_words(fusezap: Fusezap) -> None:
    done = fusezap("run", "--server", "sh -c 'echo no such thing >&2; exit 3' {mountpoint}")
    assert done.returncode == 1
    assert "no such thing" in done.stderr
    assert "ended before it was ready" in done.stderr


def test_an_unknown_server_is_refused(fusezap: Fusezap) -> None:
    done = fusezap("run", "--server", "no-such-program {mountpoint}")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_servers_own_tasks_are_gone_afterwards(fusezap: Fusezap, examples: Path) -> None:
    served(fusezap, f"{examples}/passthrough -f {{mountpoint}}", NESTED)
    mounts = Path(f"/proc/{os.getpid()}/mountinfo").read_text()
    assert "passthrough" not in mounts
