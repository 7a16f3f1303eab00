"""The debug information of a kernel of Debian, out of its package: of the kernel itself and of its module fuse."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.kernels import apt, store

_WANTED = ("./usr/lib/debug/*/vmlinux*", "*/kernel/fs/fuse/fuse.ko")
"""The kernel lies in `boot/`, in newer packages in `lib/modules/RELEASE/`; fuse is built in there."""


@contextmanager
def unpacked(suite: str, release: str) -> Iterator[Path]:
    """The folder for --debug-info, gone after the block.

    It lies in the user's cache, for a guest sees this machine's files, but not those in its /tmp.
    """
    archive = apt.suite(suite, print)
    store.base().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=store.base()))
    try:
        with archive.alone(), archive.downloaded(archive.files((f"linux-image-{release}-dbg",)), print) as (package,):
            # tar fails where it finds no module: the kernel's file counts.
            extract = f"dpkg-deb --fsys-tarfile {shlex.quote(str(package))} | tar -x --wildcards {shlex.join(_WANTED)}"
            subprocess.run(["sh", "-c", extract], cwd=folder, check=False)
        if not any(path.is_file() for path in folder.rglob("vmlinux*")):
            raise FileNotFoundError(f"the package has no debug information of {release}")
        yield folder / "usr/lib/debug"
    finally:
        shutil.rmtree(folder)
