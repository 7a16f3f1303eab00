"""The two commands of the README on a machine that has nothing: a new Debian root, made by debootstrap.

Packages come from wherever this machine's own apt gets them, and Python's from wherever its pip does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import require
from tests.setup.conftest import exported

# Runs in a mount namespace of its own: when it ends, every mount is gone. The root gets this machine's /dev, so its
# /dev/fuse is the real one, and a /proc and /sys of its own.
_INSIDE = """\
set -e
root=$1; shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount --rbind /dev "$root/dev"
for folder in $SHOWN; do
    mkdir -p "$root$folder"
    mount --bind -o ro "$folder" "$root$folder"
done
exec chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin $PIP_ENV "$@"
"""


def apt_source() -> tuple[str, str]:
    """(mirror, suite) from which this machine takes its own base system."""
    form = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    lines = subprocess.run(form, capture_output=True, text=True, check=True).stdout.split("\n")
    codename = next(
        line.partition("=")[2]
        for line in Path("/etc/os-release").read_text().splitlines()
        if "VERSION_CODENAME" in line
    )
    for line in lines:
        site, _, rest = line.partition(" ")
        if rest == f"{codename} main":
            return site, codename
    raise AssertionError(f"apt knows no source of {codename}: {lines}")


def pip_folders() -> list[str]:
    """Local folders that pip's configuration names, which the new root must see too."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    words = listed.replace("'", " ").replace("\\n", " ").replace("=", " ").split()
    paths = {urlsplit(word).path for word in words if word.startswith(("file://", "/"))}
    # A local index refers to files beside it, so what is shown is the second folder of the path: /opt/index/simple
    # is in /opt/index.
    return sorted({str(Path(*Path(path).parts[:3])) for path in paths if Path(path).is_dir()})


def copy_configuration(root: Path) -> None:
    """How this machine reaches its registries: resolver, certificates, apt's and pip's settings."""
    for name in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt"):
        if Path(name).exists():
            target = root / name.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.write_bytes(Path(name).read_bytes())
    user = Path.home() / ".config/pip/pip.conf"
    if user.exists():
        (root / "root/.config/pip").mkdir(parents=True)
        (root / "root/.config/pip/pip.conf").write_bytes(user.read_bytes())
    proxies = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    kept = [line for line in proxies.splitlines() if line.startswith("Acquire::http")]
    (root / "etc/apt/apt.conf.d/00machine").write_text("\n".join(kept) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    require("debootstrap", "apt-get", "chroot", root=True)
    mirror, suite = apt_source()
    folder = tmp_path / "root"
    argv = ["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(folder), mirror]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    copy_configuration(folder)
    exported(folder / "root/fusezap")
    yield folder
    subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


@pytest.mark.slow
def test_a_newcomer_types_two_commands(root: Path) -> None:
    assert not (root / "usr/bin/python3").exists()
    pip = " ".join(f"{key}={value}" for key, value in os.environ.items() if key.startswith("PIP_") and " " not in value)

    def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _INSIDE, "sh", str(root), *arguments]
        env = {**os.environ, "SHOWN": " ".join(pip_folders()), "PIP_ENV": pip}
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=900, check=False)

    first = typed("/root/fusezap/fusezap", "run")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "DEADLOCK" in first.stdout
    assert "nothing left behind" in first.stdout
    assert "libfuse 2" in first.stderr
    tests = typed("/root/fusezap/fusezap", "test", "-q", "tests/unit", "tests/live/test_outcomes.py")
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert " passed" in tests.stdout
