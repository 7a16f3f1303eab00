"""A git repository that builds as a kernel's does, in no time: what becomes of a revision stands in one file of it."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

from tests.unit.kernels.test_architectures import KERNEL, RELEASE, bzimage

MAKEFILE = """\
.RECIPEPREFIX = >
allnoconfig:
>@mkdir -p $(O); cp $(KCONFIG_ALLCONFIG) $(O)/.config; echo "$@" >>$(O)/log
olddefconfig:
>@grep -v TOO_NEW $(O)/.config >$(O)/.config.new; mv $(O)/.config.new $(O)/.config; echo "$@" >>$(O)/log
bzImage:
>@test "`cat state`" != broken || { echo "fs/fuse/file.c:7:1: error: it does not compile"; exit 1; }
>@mkdir -p $(O)/arch/x86/boot $(O)/arch/arm64/boot $(O)/include/config
>@cat base.img state >$(O)/arch/x86/boot/bzImage
>@echo "$(RELEASE)" >$(O)/include/config/kernel.release; echo "$@ `cat state`" >>$(O)/log
"""


class Toy:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        (folder / "Makefile").write_text(MAKEFILE.replace("$(RELEASE)", RELEASE))
        (folder / "base.img").write_bytes(bzimage(gzip.compress(KERNEL)))

    def git(self, *argv: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
        ended = subprocess.run(("git", *who, "-C", str(self.folder), *argv), capture_output=True, text=True, check=True)
        return ended.stdout.strip()

    def commit(self, state: str, subject: str = "") -> str:
        """Another revision; its hash."""
        self.number += 1
        (self.folder / "state").write_text(f"{state}\n")
        (self.folder / "unrelated").write_text(f"{self.number}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", subject or f"revision {self.number}: {state}")
        return self.git("rev-parse", "HEAD")


def state(image: Path) -> str:
    """The state that a built image is of; `image` is the folder that the build has kept."""
    (kernel,) = (image / "boot").glob("vmlinuz-*")
    return kernel.read_bytes().rpartition(b"what follows")[2].decode().strip()
