"""A worktree of somebody's git repository, for this program alone: the user's own checkout is never touched."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import FusezapError, MachineError, UsageError
from harness.kernels import store
from harness.kernels.build.make import Built, Recipe, build
from harness.kernels.progress import Report
from harness.record import record

_OPTIONS = (
    "-c",
    "safe.directory=*",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "gc.auto=0",
    "-c",
    "advice.detachedHead=false",
)
"""No hook of the user's runs, and nothing is packed meanwhile."""


class GitError(FusezapError):
    """A command of git has failed."""

    def __init__(self, argv: tuple[str, ...], status: int, output: str) -> None:
        super().__init__(f"git {' '.join(argv)} failed: {output.strip()[-400:]}")
        self.status = status
        self.output = output


@record(frozen=True, slots=True)
class Worktree:
    """A worktree that is locked."""

    path: Path
    repository: Path
    """The user's."""
    lock: int
    """File descriptor of the lock."""

    def git(self, *argv: str) -> str:
        """Run git in the worktree.

        Args:
            argv: Its arguments.

        Returns:
            What it printed, errors too, without the last newline.

        Raises:
            GitError: It has failed.
        """
        return _git(self.path, *argv)

    def commit(self, name: str) -> str:
        """The hash of the commit that a name means in the repository; UsageError where there is none."""
        try:
            # In the user's checkout: HEAD is another one here.
            return _git(self.repository, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        except GitError as error:
            raise UsageError(f"{name!r} is no commit of this tree") from error

    def image(self, commit: str, recipe: Recipe, report: Report) -> Path:
        """Build the kernel of a commit, or find it where the same sources were built in the same way before.

        Args:
            commit: The commit.
            recipe: How it is built.
            report: Is called with what is done.

        Returns:
            A folder with /boot/vmlinuz-RELEASE and /boot/config-RELEASE, as `--kernel` takes it.

        Raises:
            KernelError: The sources do not build.
            MachineError: A program is missing.
        """
        tree = self.git("rev-parse", f"{commit}^{{tree}}")
        name = f"built-{hashlib.sha256(f'{tree} {recipe.name}'.encode()).hexdigest()}"
        found = store.found(name)
        if found is not None:
            report(f"{commit[:12]} was built before")
            return found
        self._check_out(commit)
        made = build(self.path, self.path.parent / f"build-{recipe.name[:16]}", recipe, report, self.lock)
        if made.untaken:
            report(f"kbuild did not take {', '.join(made.untaken)}")
        return store.entry(name, lambda folder: _keep(made, folder))

    def _check_out(self, commit: str) -> None:
        index_lock = Path(self.git("rev-parse", "--git-path", "index.lock"))
        (self.path / index_lock).unlink(missing_ok=True)  # a git that was killed left it: the worktree is ours alone
        self.git("checkout", "--quiet", "--force", "--detach", commit)


def _keep(made: Built, folder: Path) -> None:
    boot = folder / "boot"
    boot.mkdir()
    shutil.copyfile(made.image, boot / f"vmlinuz-{made.release}")
    shutil.copyfile(made.config, boot / f"config-{made.release}")


@contextmanager
def opened(repository: Path) -> Iterator[Worktree]:
    """Open the worktree of a repository, which is made where there is none; others who want it wait.

    Args:
        repository: A git repository, or a folder in one.

    Yields:
        The worktree; what is checked out there is what the last build left.

    Raises:
        UsageError: It is no git repository.
        MachineError: git is missing.
    """
    try:
        top = _git(repository, "rev-parse", "--git-common-dir")
    except GitError as error:
        raise UsageError(f"{repository} is no git repository", "git init; git add -A; git commit") from error
    common = (repository / top).resolve()
    folder = store.base() / "trees" / hashlib.sha256(str(common).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "source"
        if not _usable(path, common):
            shutil.rmtree(path, ignore_errors=True)
            _git(repository, "worktree", "prune")
            _git(repository, "worktree", "add", "--force", "--detach", "--no-checkout", str(path), "HEAD")
        yield Worktree(path, repository, lock.fileno())


def _usable(path: Path, common: Path) -> bool:
    if not (path / ".git").is_file():
        return False
    try:
        return (path / _git(path, "rev-parse", "--git-common-dir")).resolve() == common
    except GitError:
        return False


def _git(folder: Path, *argv: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not re.match(r"GIT_(?!CONFIG_GLOBAL)", name)}
    try:
        ended = subprocess.run(
            ("git", *_OPTIONS, "-C", str(folder), *argv),
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError as error:
        raise MachineError("git is not there", "install git") from error
    if ended.returncode:
        raise GitError(argv, ended.returncode, ended.stdout)
    return ended.stdout.rstrip("\n")
