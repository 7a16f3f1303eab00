"""A kernel that is built here, all of it built in, as for a bisect: with the defect, and with a change that mends it.

The change is the idea of commit 5a8bee63b10f: the FLUSH of an exiting task is sent, and not waited for.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.vm import inside
from tests.vm.conftest import fusezap

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
SOURCE = Path("/usr/src/linux-source-6.1.tar.xz")
CHANGE = CHECKOUT / "tests/data/late-flush-6.1.patch"
IMAGE = "arch/x86/boot/bzImage"


def run(*argv: str, tree: Path) -> str:
    ended = subprocess.run(argv, cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{argv}:\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Built, without the change; 1.5 GB, gone at the end.  Takes some three minutes on two processors."""
    require("make", "gcc", "bc", "flex", "bison", "patch", "git", "qemu-system-x86_64", "busybox", root=True)
    if not SOURCE.exists():
        pytest.skip(f"missing: {SOURCE} (package linux-source-6.1)")
    folder = tmp_path_factory.mktemp("kernel")
    run("tar", "xf", str(SOURCE), tree=folder)
    (tree,) = folder.iterdir()
    shutil.copyfile(CHECKOUT / "docs/examples/minimal-kernel.config", tree / "minimal-kernel.config")
    run("make", "KCONFIG_ALLCONFIG=minimal-kernel.config", "allnoconfig", tree=tree)
    run("make", "-j2", "bzImage", tree=tree)
    yield tree
    shutil.rmtree(folder)


def test_it_has_the_defect_on_every_machine(tree: Path) -> None:
    """The one without PCI is the first choice for it."""
    lines = [
        fusezap("check", "--kernel", str(tree), *more).stdout
        for more in ((), ("--engine", "microvm"), ("--engine", "plain"))
    ]
    assert lines[0].startswith("6.1.")
    assert "exit-flush-self deadlock" in lines[0]
    assert "etxtbsy-after-exit released" in lines[0]
    assert len(set(lines)) == 1


def test_selftests_are_built_and_run_in_its_own_tree(tree: Path, tmp_path: Path) -> None:
    """They are installed as the kernel installs them, and its run_kselftest.sh runs them under that kernel."""
    expected = {"exit_flush_self": "not ok", "exit_flush_peer_outside": "not ok", "read_self": "ok", "healthy": "ok"}
    scenarios = [name.replace("_", "-") for name in expected]
    assert fusezap("repro", *scenarios, "--form", "kselftest", "--out", str(tree)).returncode == 0
    only = ("TARGETS=filesystems/fuse", f"KSFT_INSTALL_PATH={tmp_path}/installed")
    run("make", "-s", "-C", "tools/testing/selftests", *only, "install", tree=tree)
    told = inside.told(str(tree), "./run_kselftest.sh -c filesystems/fuse", files=tmp_path / "installed")
    found = re.findall(r"^((?:not )?ok) \d+ selftests: filesystems/fuse: (\w+)", told, re.MULTILINE)
    assert {name: word for word, name in found} == expected, told


def test_its_style_checker_finds_nothing_in_the_programs(tree: Path, tmp_path: Path) -> None:
    """ENOSYS is an answer of the FUSE protocol; the checker knows it as the error of a system call alone."""
    assert fusezap("repro", "*", "--out", str(tmp_path)).returncode == 0
    checker = ("perl", "scripts/checkpatch.pl", "--no-tree", "--terse", "--ignore", "ENOSYS", "-f")
    run(*checker, *map(str, sorted(tmp_path.glob("*.c"))), tree=tree)


def test_a_bisect_finds_the_commit_that_brought_it(tree: Path) -> None:
    """The history has the change, something harmless, its revert, something harmless: `git bisect run` as the README
    has it.  Only the files of the change are under version control."""
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@localhost")
    file = tree / "fs/fuse/file.c"
    before = file.read_text()
    run(*git, "init", "-q", tree=tree)
    run("patch", "-p1", "-i", str(CHANGE), tree=tree)
    changed = file.read_text()
    for number, text in enumerate((changed, f"{changed}/* */\n", f"{before}/* */\n", f"{before}/* *//* */\n")):
        file.write_text(text)
        run(*git, "add", "-f", "fs/fuse/file.c", tree=tree)
        run(*git, "commit", "-q", "-m", str(number), tree=tree)
    run(*git, "bisect", "start", "HEAD", "HEAD~3", tree=tree)
    check = f"{sys.executable} -P -m harness check --kernel . exit-flush-self"
    said = run(
        *git, "bisect", "run", "sh", "-c", f"make olddefconfig && make -j2 bzImage || exit 125; {check}", tree=tree
    )
    assert "free of the defect: exit-flush-self released" in said
    assert "has the defect: exit-flush-self deadlock" in said
    assert run("git", "log", "-1", "--format=%s", "refs/bisect/bad", tree=tree).strip() == "2"


def test_the_change_ends_the_hang_and_breaks_what_it_broke(tree: Path) -> None:
    """Why it was reverted: a file just written could not be executed."""
    text = (tree / "fs/fuse/file.c").read_text()
    if "fuse_late_flush" not in text:
        run("patch", "-p1", "-i", str(CHANGE), tree=tree)
    run("make", "-j2", "bzImage", tree=tree)
    for _ in range(5):  # a race: an emulator on a busy machine may lose it
        ended = fusezap("check", "--kernel", str(tree))
        if ended.returncode == 1:
            break
    assert ended.returncode == 1
    assert "etxtbsy-after-exit failed" in ended.stdout
    for scenario in ("exit-flush-self", "exit-flush-race", "exit-flush-peer-outside", "nested-fsync"):
        assert f"{scenario} released" in ended.stdout
    ended = fusezap("check", "--kernel", str(tree), "exit-flush-*")
    assert ended.returncode == 0, ended.stdout
    ended = fusezap("check", "--kernel", str(tree), "close-self", "read-self")
    assert "close-self deadlock, read-self deadlock" in ended.stdout
