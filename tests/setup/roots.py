"""Clean Debian roots, and the README's commands in them: `python -m tests.setup.roots SUITE... [-- COMMAND...]`.

Makes a root of each suite with debootstrap, copies the checkout into it, and runs a command there; by default
`./fusezap test`.  Packages come from wherever this machine's own apt gets them, and Python's from wherever its pip
does.
Exit status 0: the command ended with 0 in every root; 1: not so.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

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
path=/usr/sbin:/usr/bin:/sbin:/bin
exec chroot "$root" /usr/bin/env -i --chdir=/root/fusezap HOME=/root TERM=dumb "PATH=$path" $PIP_ENV "$@"
"""


def apt_source() -> tuple[str, str]:
    """The mirror and the suite from which this machine takes its own base system."""
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
    """The files by which this machine reaches its registries: resolver, certificates, apt's and pip's settings."""
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
    wanted = ("Acquire::http", "Acquire::Check-Valid-Until")
    kept = [line for line in proxies.splitlines() if line.startswith(wanted)]
    (root / "etc/apt/apt.conf.d/00machine").write_text("\n".join(kept) + "\n")


@contextmanager
def debian_root(suite: str | None = None) -> Iterator[Path]:
    """A minimal Debian root with the checkout in /root/fusezap; it is removed when the block is left.

    Args:
        suite: A suite of Debian, such as `trixie`; this machine's own if None.

    Yields:
        The root's folder.
    """
    mirror, own = apt_source()
    folder = Path(tempfile.mkdtemp(prefix="fusezap-root-"))
    try:
        argv = ["debootstrap", "--variant=minbase", "--include=ca-certificates", suite or own, str(folder), mirror]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"debootstrap of {suite or own} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        folder.chmod(0o755)  # as every Debian has it; mkdtemp() closed it to users without rights
        copy_configuration(folder)
        exported(folder / "root/fusezap")
        yield folder
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def typed(root: Path, *argv: str, timeout_s: float = 900, **settings: object) -> subprocess.CompletedProcess[str]:
    """Runs a command in a root, in a mount namespace of its own.

    Args:
        root: The root's folder.
        argv: The command, as the root has it.
        timeout_s: Seconds.
        settings: More arguments of `subprocess.run`.

    Returns:
        The ended command.
    """
    pip = " ".join(f"{key}={value}" for key, value in os.environ.items() if key.startswith("PIP_") and " " not in value)
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _INSIDE, "sh", str(root), *argv]
    env = {**os.environ, "SHOWN": " ".join(pip_folders()), "PIP_ENV": pip}
    options: dict[str, object] = {"env": env, "text": True, "timeout": timeout_s, **settings}
    return subprocess.run(command, **options)  # type: ignore[call-overload,no-any-return]


def main(words: list[str]) -> int:
    """Runs the command in a root of each suite, one after the other."""
    suites, command = words, ["/root/fusezap/fusezap", "test"]
    if "--" in words:
        suites, command = words[: words.index("--")], words[words.index("--") + 1 :]
    failed = []
    for suite in suites:
        began = time.monotonic()
        with debian_root(suite) as root:
            print(f"{suite}: root made in {time.monotonic() - began:.0f} s", flush=True)
            began = time.monotonic()
            status = typed(root, *command, timeout_s=7200).returncode
            print(
                f"{suite}: {' '.join(command)} ended with {status} after {time.monotonic() - began:.0f} s", flush=True
            )
            if status:
                failed.append(suite)
    return 1 if failed else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
    sys.exit(130)
