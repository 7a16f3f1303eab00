"""A kernel that is built here, all of it built in, as for a bisect: with the defect, and with a change that mends it.

The change is the idea of commit 5a8bee63b10f: the FLUSH of an exiting task is sent, and not waited for.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.kernels.build import make, worktree
from harness.record import record
from tests.conftest import require
from tests.vm import inside, kernel_history
from tests.vm.conftest import fusezap
from tests.vm.kernel_history import KernelHistory

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).parents[2] / "docs/examples/minimal-kernel.config"


def run(*argv: str, tree: Path) -> str:
    ended = subprocess.run(argv, cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{argv}:\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
    return ended.stdout


@record(frozen=True, slots=True)
class BuiltKernel:
    """A history in a repository whose own checkout has no file, and its first commit, built as a search builds it."""

    repository: Path
    source: Path
    """The worktree that the builds are made of."""
    objects: Path
    """The folder that make fills."""
    history: KernelHistory
    recipe: make.Recipe

    def image(self, commit: str) -> Path:
        """The kernel of a commit, built where it was not before."""
        with worktree.opened(self.repository) as found:
            return found.image(commit, self.recipe, print)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuiltKernel]:
    """3 GB, gone at the end.  Takes some four minutes on two processors."""
    require("make", "gcc", "bc", "flex", "bison", "patch", "git", "qemu-system-x86_64", "busybox", root=True)
    if not kernel_history.SOURCE.exists():
        pytest.skip(f"missing: {kernel_history.SOURCE} (package linux-source-6.1)")
    folder = tmp_path_factory.mktemp("kernel")
    repository = folder / "linux"
    repository.mkdir()
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")
    run("git", "init", "--quiet", tree=repository)
    run("git", *who, "commit", "--quiet", "--allow-empty", "--message=nothing", tree=repository)
    recipe = make.recipe_of(CONFIG, whole=False, jobs=2, llvm=False, cross="")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patched.setenv("XDG_STATE_HOME", str(folder / "state"))
        with worktree.opened(repository) as found:
            kernel_history.unpack(found.path)
            history = kernel_history.written(found.path)
            found.image(history.old, recipe, print)
            (objects,) = found.path.parent.glob("build-*")
        yield BuiltKernel(repository, found.path, objects, history, recipe)
    run("rm", "-rf", str(folder), tree=folder.parent)  # 170,000 files: Python would take longer


def test_it_has_the_defect_on_every_machine(built: BuiltKernel) -> None:
    """The one without PCI is the first choice for it."""
    lines = [
        fusezap("check", "--kernel", str(built.objects), *more).stdout
        for more in ((), ("--engine", "microvm"), ("--engine", "plain"))
    ]
    assert lines[0].startswith("6.1.")
    assert "exit-flush-self deadlock" in lines[0]
    assert "etxtbsy-after-exit released" in lines[0]
    assert len(set(lines)) == 1


def test_selftests_are_built_and_run_in_its_own_tree(built: BuiltKernel, tmp_path: Path) -> None:
    """They are installed as the kernel installs them, and its run_kselftest.sh runs them under that kernel."""
    expected = {"exit_flush_self": "not ok", "exit_flush_peer_outside": "not ok", "read_self": "ok", "healthy": "ok"}
    scenarios = [name.replace("_", "-") for name in expected]
    assert fusezap("repro", *scenarios, "--form", "kselftest", "--out", str(built.source)).returncode == 0
    only = ("TARGETS=filesystems/fuse", f"KSFT_INSTALL_PATH={tmp_path}/installed")
    run("make", "-s", "-C", "tools/testing/selftests", *only, "install", tree=built.source)
    told = inside.told(str(built.objects), "./run_kselftest.sh -c filesystems/fuse", files=tmp_path / "installed")
    found = re.findall(r"^((?:not )?ok) \d+ selftests: filesystems/fuse: (\w+)", told, re.MULTILINE)
    assert {name: word for word, name in found} == expected, told


def test_its_style_checker_finds_nothing_in_the_programs(built: BuiltKernel, tmp_path: Path) -> None:
    """ENOSYS is an answer of the FUSE protocol; the checker knows it as the error of a system call alone."""
    assert fusezap("repro", "*", "--out", str(tmp_path)).returncode == 0
    checker = ("perl", "scripts/checkpatch.pl", "--no-tree", "--terse", "--ignore", "ENOSYS", "-f")
    run(*checker, *map(str, sorted(tmp_path.glob("*.c"))), tree=built.source)


def test_a_search_finds_the_commit_that_brought_it(built: BuiltKernel) -> None:
    """The whole of it on a real tree: git chooses, make builds, machines boot, and the report names the commit."""
    history = built.history
    ended = fusezap("bisect", "--tree", str(built.repository), history.mended, "v2", "--json")
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    (change,) = document["changes"]
    (found,) = change["commits"]
    assert found["commit"] == history.revert
    assert found["subject"] == 'Revert "fuse: do not wait for the flush of an exiting task"'
    assert "fuse_flush" in found["stuck"], "the commit changes a function of the stuck stack"
    assert any("linux-fsdevel@" in each for each in found["maintainers"])
    outcomes = [each["verdict"]["outcome"] for each in found["sides"]]
    assert outcomes == ["released", "deadlock"]
    assert [each["answer"] for each in document["steps"][:2]] == ["free", "has-it"]
    assert all(each["build_s"] > 0 and each["boot_s"] > 0 for each in document["steps"])
    assert document["steps_s"]["all"] > document["steps_s"]["build"] + document["steps_s"]["boot"]
    assert run("git", "status", "--short", tree=built.repository) == "", "the user's checkout is as it was"


def test_git_bisect_run_finds_it_with_an_old_image_in_the_way(built: BuiltKernel) -> None:
    """The recipe of the documentation, but for `|| exit 125`: where make fails, `check` refuses the image.

    Git tries the commit that does not build first.
    """
    history = built.history
    run("git", "bisect", "start", history.revert, "v1", tree=built.source)
    make_it = f"make O={built.objects}"
    check = f"{sys.executable} -P -m harness check --kernel {built.objects} exit-flush-self"
    said = run(
        *("git", "bisect", "run", "sh", "-c", f"{make_it} olddefconfig && {make_it} -j2 bzImage; {check}"),
        tree=built.source,
    )
    assert "may not be of these sources" in said
    assert "free of the defect: exit-flush-self released" in said
    assert run("git", "rev-parse", "refs/bisect/bad", tree=built.source).strip() == history.revert
    run("git", "bisect", "reset", tree=built.source)


def test_the_change_ends_the_hang_and_breaks_what_it_broke(built: BuiltKernel) -> None:
    """Why it was reverted: a file just written could not be executed."""
    image = str(built.image(built.history.mended))
    for _ in range(5):  # a race: an emulator on a busy machine may lose it
        ended = fusezap("check", "--kernel", image)
        if ended.returncode == 1:
            break
    assert ended.returncode == 1
    assert "etxtbsy-after-exit failed" in ended.stdout
    for scenario in ("exit-flush-self", "exit-flush-race", "exit-flush-peer-outside", "nested-fsync"):
        assert f"{scenario} released" in ended.stdout
    ended = fusezap("check", "--kernel", image, "exit-flush-*")
    assert ended.returncode == 0, ended.stdout
    ended = fusezap("check", "--kernel", image, "close-self", "read-self")
    assert "close-self deadlock, read-self deadlock" in ended.stdout
