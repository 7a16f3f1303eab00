"""Building revisions of a git repository in a worktree: what is kept and reported, and that nobody's files change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.errors import KernelError, UsageError
from harness.kernels.build import make, worktree
from harness.kernels.build.make import Recipe
from tests.conftest import require
from tests.integration.bisect.toy import Toy, state

RECIPE = Recipe("CONFIG_FUSE_FS=y\n# a comment\nCONFIG_TOO_NEW=y\nCONFIG_OFF=n\n")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    require("git", "make", "gcc", "setpriv")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/fusezap/kernels"


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path / "linux")


def log(cache: Path) -> list[str]:
    """The targets that make was called with, in the one build folder."""
    (file,) = cache.glob("trees/*/build-*/log")
    return file.read_text().splitlines()


def test_no_revision_is_built_twice(toy: Toy, cache: Path) -> None:
    first, second = toy.commit("a"), toy.commit("b")
    same = toy.commit("b")
    toy.git("revert", "--no-edit", same)  # the same tree as that of `second`
    again = toy.git("rev-parse", "HEAD")
    with worktree.opened(toy.folder) as tree:
        states = [state(tree.image(each, RECIPE, lambda _: None)) for each in (first, second, first, again)]
    assert states == ["a", "b", "a", "b"]
    assert log(cache) == ["allnoconfig", "olddefconfig", "bzImage a", "olddefconfig", "bzImage b"]
    with worktree.opened(toy.folder) as tree:
        assert state(tree.image(first, Recipe("CONFIG_OTHER=y\n"), lambda _: None)) == "a"
    assert len(list(cache.glob("built-*"))) == 3, "another configuration is another kernel"


def test_the_checkout_of_the_user_is_not_touched(toy: Toy) -> None:
    old, new = toy.commit("a"), toy.commit("b")
    (toy.folder / "state").write_text("the user is at work\n")
    (toy.folder / ".git/hooks/post-checkout").write_text("#!/bin/sh\nexit 1\n")
    (toy.folder / ".git/hooks/post-checkout").chmod(0o755)
    before = {path: path.stat().st_mtime_ns for path in toy.folder.glob("[!.]*")}
    with worktree.opened(toy.folder) as tree:
        for each in (old, new):
            tree.image(each, RECIPE, lambda _: None)
    assert {path: path.stat().st_mtime_ns for path in toy.folder.glob("[!.]*")} == before
    assert toy.git("rev-parse", "HEAD") == new
    assert toy.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_what_kbuild_did_not_take_is_reported(toy: Toy) -> None:
    commit = toy.commit("a")
    said: list[object] = []
    with worktree.opened(toy.folder) as tree:
        tree.image(commit, RECIPE, said.append)
    assert "kbuild did not take CONFIG_TOO_NEW=y" in said
    assert make.untaken("CONFIG_A=y\nCONFIG_B=m\nCONFIG_C=n\n", "CONFIG_A=y\nCONFIG_B=y\n") == ("CONFIG_B=m",)


def test_a_build_that_fails_is_the_commits_fault_and_keeps_nothing(toy: Toy, cache: Path) -> None:
    good, broken = toy.commit("a"), toy.commit("broken")
    with worktree.opened(toy.folder) as tree:
        tree.image(good, RECIPE, lambda _: None)
        with pytest.raises(KernelError, match=r"fs/fuse/file\.c:7:1: error: it does not compile"):
            tree.image(broken, RECIPE, lambda _: None)
    assert len(list(cache.glob("built-*"))) == 1, "the image of the commit before is not taken for it"


def test_a_whole_configuration_is_taken_as_it_is(toy: Toy, cache: Path) -> None:
    commit = toy.commit("a")
    with worktree.opened(toy.folder) as tree:
        image = tree.image(commit, Recipe("CONFIG_WHOLE=y\n", whole=True), lambda _: None)
    (config,) = (image / "boot").glob("config-*")
    assert config.read_text() == "CONFIG_WHOLE=y\n"
    assert log(cache) == ["olddefconfig", "bzImage a"]


def test_a_git_that_was_killed_does_not_lock_the_worktree_for_ever(toy: Toy) -> None:
    first, second = toy.commit("a"), toy.commit("b")
    with worktree.opened(toy.folder) as tree:
        tree.image(first, RECIPE, lambda _: None)
        (tree.path / tree.git("rev-parse", "--git-path", "index.lock")).touch()
        assert state(tree.image(second, RECIPE, lambda _: None)) == "b"


def test_a_worktree_that_was_removed_is_made_again(toy: Toy) -> None:
    commit = toy.commit("a")
    for _ in range(2):
        with worktree.opened(toy.folder) as tree:
            assert tree.commit("HEAD") == commit
        shutil.rmtree(tree.path)


def test_what_is_no_repository_or_no_commit_is_a_mistake(toy: Toy, tmp_path: Path) -> None:
    toy.commit("a")
    with pytest.raises(UsageError, match="no git repository"), worktree.opened(tmp_path):
        pass
    with worktree.opened(toy.folder) as tree, pytest.raises(UsageError, match="is no commit of this tree"):
        tree.commit("v6.2")
    with pytest.raises(UsageError, match="no kernel is built for riscv64"):
        make.recipe_of(toy.folder / "Makefile", False, 1, False, "riscv64-linux-gnu-")
