"""Build trees as make leaves them at the end of its work, and as they are when it did not come to its end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import KernelError
from harness.kernels import spec as kernel_spec
from harness.kernels.build import stale
from tests.conftest import require
from tests.unit.kernels.test_architectures import RELEASE, bzimage

BEGIN = 1_700_000_000
"""Seconds: when the sources were checked out; make compiles, archives, links and packs in the hundreds after it."""
SOURCES = ("fs/fuse/file.c", "fs/fuse/Makefile", "fs/Makefile", "include/linux/fs.h", "Kconfig", ".config")


class Tree:
    """A tree that make has built, in the words of its own files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = folder / "arch/x86/boot/bzImage"
        for name in SOURCES:
            self.put(name, "", 0)
        self.put("fs/fuse/Makefile", "obj-$(CONFIG_FUSE_FS) += fuse.o\nfuse-y := \\\n\tfile.o\n", 0)
        self.put("Kbuild", "", 0)
        self.put(".config", "CONFIG_FUSE_FS=y\n", 0)
        self.put("include/config/auto.conf", "", 50)
        self.put("include/config/auto.conf.cmd", "deps_config := \\\n\tKconfig \\\n\t.config\n", 50)
        self.put("include/config/FUSE_FS", "", 50)
        self.put("include/config/kernel.release", f"{RELEASE}\n", 60)
        self.put("fs/fuse/file.o", "", 100)
        lines = ("  include/linux/fs.h \\", "    $(wildcard include/config/FUSE_FS) \\")
        self.put("fs/fuse/.file.o.cmd", "\n".join(("source_fs/fuse/file.o := fs/fuse/file.c", "", *lines, "")), 100)
        self.put("fs/fuse/built-in.a", "", 200)
        made = 'cmd_fs/fuse/built-in.a := rm -f fs/fuse/built-in.a;  printf "fs/fuse/%s " file.o | xargs ar cDPrST x.a'
        self.put("fs/fuse/.built-in.a.cmd", f"{made}\n", 200)
        self.put("fs/built-in.a", "", 210)
        self.put("fs/.built-in.a.cmd", 'cmd_fs/built-in.a := printf "fs/%s " fuse/built-in.a | xargs ar x\n', 210)
        self.put("vmlinux", "", 300)
        self.image.parent.mkdir(parents=True)
        self.image.write_bytes(bzimage(b""))
        self.touch("arch/x86/boot/bzImage", 400)
        (folder / "include/generated").mkdir()
        for name in ("include/generated", "include/config"):
            self.touch(name, 60)

    def put(self, name: str, text: str, at_s: int) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.touch(name, at_s)

    def touch(self, name: str, at_s: int) -> None:
        os.utime(self.folder / name, (BEGIN + at_s, BEGIN + at_s))

    def reason(self) -> str | None:
        return stale.reason(self.folder, self.image)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "linux")


def test_what_make_has_finished_is_current(tree: Tree) -> None:
    assert tree.reason() is None


def without(name: str) -> Callable[[Tree], None]:
    return lambda tree: (tree.folder / name).unlink()


def changed(name: str, at_s: int = 1000) -> Callable[[Tree], None]:
    return lambda tree: tree.touch(name, at_s)


def added(tree: Tree) -> None:
    """A source file that came with a revision and did not compile."""
    tree.put("fs/fuse/Makefile", "fuse-y := file.o\nfuse-y += iomode.o\nfuse-$(CONFIG_FUSE_DAX) += dax.o\n", 500)
    tree.put("fs/fuse/iomode.c", "", 500)
    for name in ("include/generated", "include/config"):
        tree.touch(name, 600)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("fs/fuse/file.c"), "fs/fuse/file.c is newer than fs/fuse/file.o"),
        (changed("include/linux/fs.h"), "include/linux/fs.h is newer than fs/fuse/file.o"),
        (changed("include/config/FUSE_FS"), "include/config/FUSE_FS is newer than fs/fuse/file.o"),
        (changed("fs/fuse/Makefile"), "fs/fuse/Makefile was changed after the last make"),
        (changed("Kconfig"), "Kconfig is newer than the configuration.*make olddefconfig"),
        (changed(".config"), r"\.config was changed after make had read it.*make olddefconfig"),
        (without("fs/fuse/file.o"), r"fs/fuse/file\.o is missing: make failed there"),
        (changed("fs/fuse/file.o"), "file.o is newer than built-in.a"),
        (changed("fs/built-in.a"), "fs/built-in.a is newer than vmlinux"),
        (changed("vmlinux"), "older than the vmlinux beside it"),
        (without("vmlinux"), "there is no vmlinux"),
        (added, r"fs/fuse/iomode\.c was not compiled"),
    ],
)
def test_each_way_in_which_an_image_is_not_of_its_sources(
    change: Callable[[Tree], None], words: str, tree: Tree
) -> None:
    change(tree)
    reason = tree.reason()
    assert reason is not None
    with pytest.raises(KernelError, match=words):
        kernel_spec.find(str(tree.folder), lambda _: None)


def test_a_change_that_make_has_nothing_to_do_for_is_none(tree: Tree) -> None:
    """Most revisions of a bisect change no file that is compiled."""
    tree.put("fs/fuse/virtio_fs.c", "", 1000)
    tree.put("Documentation/fuse.rst", "", 1000)
    for name in ("include/generated", "include/config"):
        tree.touch(name, 1010)
    assert tree.reason() is None
    added(tree)
    (tree.folder / "fs/fuse/iomode.c").rename(tree.folder / "fs/fuse/dax.c")
    assert tree.reason() is None, "it is not configured"


def test_the_members_of_an_archive_are_found_in_each_form_of_its_command(tree: Tree) -> None:
    file = tree.folder / "fs/fuse/.built-in.a.cmd"
    for text in (
        "cmd_fs/fuse/built-in.a := rm -f fs/fuse/built-in.a; ar cDPrST fs/fuse/built-in.a fs/fuse/file.o\n",
        "savedcmd_fs/fuse/built-in.a := rm -f fs/fuse/built-in.a;  printf 'fs/fuse/%s ' file.o | xargs ar x\n",
    ):
        file.write_text(text)
        assert stale._members(file.parent) == ["file.o"]


def test_a_build_in_another_folder_is_compared_with_the_sources(tree: Tree, tmp_path: Path) -> None:
    """`make O=FOLDER`: names are relative to that folder, or absolute, and `source` leads to the tree."""
    away = tmp_path / "source"
    for name in ("fs/fuse/file.c", "fs/fuse/Makefile", "include/linux/fs.h", "Kconfig"):
        (away / name).parent.mkdir(parents=True, exist_ok=True)
        (tree.folder / name).rename(away / name)
    (tree.folder / "source").symlink_to(away)
    listed = f"source_fs/fuse/file.o := ../source/fs/fuse/file.c\n\n  {away}/include/linux/fs.h \\\n"
    tree.put("fs/fuse/.file.o.cmd", listed, 100)
    assert tree.reason() is None
    for name in ("fs/fuse/file.c", "include/linux/fs.h", "fs/fuse/Makefile"):
        os.utime(away / name, (BEGIN + 1000, BEGIN + 1000))
        assert name in str(tree.reason())
        os.utime(away / name, (BEGIN, BEGIN))


class TestFuseAsAModule:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Tree:
        tree = Tree(tmp_path / "linux")
        tree.put(".config", "CONFIG_FUSE_FS=m\n", 0)
        tree.put("fs/fuse/.built-in.a.cmd", "cmd_fs/fuse/built-in.a := ar x\n", 200)
        self.module(tree, RELEASE)
        return tree

    @staticmethod
    def module(tree: Tree, release: str) -> None:
        tree.put("fs/fuse/fuse.ko", f"ELF\0vermagic={release} SMP mod_unload \0", 350)

    def test_one_that_was_built_is_current(self, tree: Tree) -> None:
        assert tree.reason() is None

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (without("fs/fuse/fuse.ko"), "there is no fs/fuse/fuse.ko"),
            (changed("fs/fuse/file.c"), "fs/fuse/file.c is newer"),
            (changed("fs/fuse/file.o"), "fuse.ko is older than file.o"),
            (lambda tree: TestFuseAsAModule.module(tree, "6.0.0"), r"built for 6\.0\.0"),
        ],
    )
    def test_an_image_alone_was_built(self, change: Callable[[Tree], None], words: str, tree: Tree) -> None:
        change(tree)
        reason = str(tree.reason())
        assert words.replace("\\", "") in reason
        assert "make bzImage builds none; run make modules" in reason


@pytest.fixture
def making(tree: Tree) -> Iterator[None]:
    """A make at work in the tree, until its pipe is closed."""
    require("make")
    (tree.folder / "wait.mk").write_text("all:\n\t@echo ready; read line\n")
    argv = ["make", "--silent", "-C", str(tree.folder), "-f", "wait.mk"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while b"ready" not in process.stdout.readline():
            time.sleep(0)
        yield
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.usefixtures("making")
def test_a_make_at_work_is_seen(tree: Tree) -> None:
    assert "is at work in" in str(tree.reason())


def test_the_modules_that_are_named_must_be_of_that_kernel(tmp_path: Path) -> None:
    (tmp_path / "bzImage").write_bytes(bzimage(b""))
    modules = tmp_path / "elsewhere"
    modules.mkdir()
    (modules / "modules.dep").touch()
    (modules / "fuse.ko").write_bytes(b"\0vermagic=6.0.0 SMP \0")
    with pytest.raises(KernelError, match=r"modules of 6\.0\.0, and the kernel is"):
        kernel_spec.find(f"{tmp_path}/bzImage:{modules}", lambda _: None)
