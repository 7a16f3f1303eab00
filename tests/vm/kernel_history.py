"""A real history on a real kernel tree, to bisect: `python -m tests.vm.kernel_history DIR` writes it and prints it.

Sixteen commits on Debian's linux-source-6.1, each a small change in fs/fuse: a change that ends the hang of an exiting
task comes with a merge, a later commit does not build, and a still later one reverts the change.  Two boundaries, and
both ends have the defect.  The hashes are the same wherever it is written.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.record import asdict, record

SOURCE = Path("/usr/src/linux-source-6.1.tar.xz")
CHANGE = Path(__file__).parents[2] / "tests/data/late-flush-6.1.patch"
"""The idea of commit 5a8bee63b10f ("fuse: in fuse_flush only wait if someone wants the return code") (in v6.3)."""
_WHO = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false", "-c", "gc.auto=0")
_QUICK = ("-c", "core.compression=0", "-c", "core.looseCompression=0")
"""Compressing the sources would take longer than a build of the kernel."""


@record(frozen=True, slots=True)
class KernelHistory:
    """The commits of it that matter."""

    old: str
    """The older end: the sources as Debian has them."""
    new: str
    merge: str
    """Brings the change along the line of first parents."""
    change: str
    """Ends the hang; inside the merge."""
    broken: str
    """Does not build."""
    mended: str
    """Builds again; has the change."""
    revert: str
    """Brings the hang back."""


def unpack(tree: Path) -> None:
    """Unpack the sources into a folder."""
    subprocess.run(["tar", "--extract", "--strip-components=1", f"--file={SOURCE}"], cwd=tree, check=True)


def written(tree: Path) -> KernelHistory:
    """Write the history; its last commit is checked out then, and no branch.

    Args:
        tree: Sources in which nothing was built: a plain folder, or a git worktree without a file under control.

    Returns:
        Its commits.
    """
    git = _Git(tree)
    if not (tree / ".git").exists():
        git("init", "--quiet", "--initial-branch=main")
    git("checkout", "--quiet", "--orphan", "imported")
    git("add", "--all", "--force")
    old = git.commit("linux: import the sources of Debian's package")
    git("checkout", "--quiet", "--detach")
    return _commits(git, old)


def _commits(git: _Git, old: str) -> KernelHistory:
    base = git.comment("dir.c", "say what dir.c is about")
    git.comment("fuse_i.h", "say what fuse_i.h is about")
    subprocess.run(["patch", "--quiet", "-p1", "-i", str(CHANGE)], cwd=git.tree, check=True)
    change = git.commit("fuse: do not wait for the flush of an exiting task")
    side = git.comment("xattr.c", "say what xattr.c is about")
    git("checkout", "--quiet", base)
    git.comment("inode.c", "say what inode.c is about")
    git("merge", "--quiet", "--no-ff", "-m", "Merge the flush of an exiting task", side)
    merge = git.head()
    git.comment("dev.c", "say what dev.c is about")
    git("tag", "v1")
    git.comment("readdir.c", "say what readdir.c is about")
    file = git.tree / "fs/fuse/control.c"
    whole = file.read_text()
    file.write_text(whole.replace("\treturn", "\tretrun", 1))
    broken = git.commit("fuse: simplify the control filesystem")
    file.write_text(f"{whole}/* It is mended. */\n")
    mended = git.commit("fuse: mend the build of the control filesystem")
    git.comment("ioctl.c", "say what ioctl.c is about")
    git("revert", "--no-edit", change)
    revert = git.head()
    git.comment("acl.c", "say what acl.c is about")
    git("tag", "v2")
    git.comment("dev.c", "mention the device")
    git.comment("file.c", "mention open files")
    new = git.comment("dir.c", "mention folders")
    return KernelHistory(old, new, merge, change, broken, mended, revert)


class _Git:
    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self._number = 0

    def __call__(self, *argv: str) -> str:
        # The next number is the next commit's second: a hash contains its time.
        time = f"{1_700_000_000 + self._number} +0000"
        environment = {**os.environ, "GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time}
        return subprocess.run(
            ("git", *_WHO, *_QUICK, "-C", str(self.tree), *argv),
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout.strip()

    def head(self) -> str:
        self._number += 1
        return self("rev-parse", "HEAD")

    def commit(self, subject: str) -> str:
        """Everything that is changed; its hash."""
        self("add", "--update")
        self("commit", "--quiet", "-m", subject)
        return self.head()

    def comment(self, name: str, subject: str) -> str:
        """A harmless commit: a comment at the end of a file of fs/fuse."""
        with (self.tree / "fs/fuse" / name).open("a") as file:
            file.write(f"/* {subject} */\n")
        return self.commit(f"fuse: {subject}")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    try:
        unpack(folder)
        found = written(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    print(json.dumps(asdict(found), indent=2))


if __name__ == "__main__":
    main()
