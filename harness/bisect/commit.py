"""Facts about a commit for the people who take care of it: functions that it changes, lines of mails, maintainers."""

from __future__ import annotations

import re
import subprocess

from harness.kernels.build.worktree import Worktree

_HUNK = re.compile(r"@@ [^@]+ @@.*?(\w+)\(")
_DEFINED = re.compile(r"[A-Za-z_][\w\s*]*?\b(\w+)\((?!.*;$)")
"""The beginning of a function: the kernel's style has it in the first column, and calls are indented."""
_SCRIPT = "scripts/get_maintainer.pl"


def subject(worktree: Worktree, commit: str) -> str:
    """The first line of a commit's message."""
    return worktree.git("show", "--no-patch", "--format=%s", commit)


def fixes(worktree: Worktree, commit: str) -> str:
    """The line for a patch that mends what a commit broke (Documentation/process/submitting-patches.rst)."""
    return worktree.git("show", "--no-patch", "--abbrev=12", '--format=Fixes: %h ("%s")', commit)


def regzbot(commit: str) -> str:
    """The line of a mail that makes the kernel's regression tracker know of a regression."""
    return f"#regzbot introduced: {commit}"


def parent(worktree: Worktree, commit: str) -> str:
    """The first parent of a commit; empty where it has none."""
    return worktree.git("show", "--no-patch", "--format=%P", commit).partition(" ")[0]


def functions(worktree: Worktree, commit: str) -> tuple[str, ...]:
    """The functions of C that a commit changes, adds or removes, compared with its first parent."""
    return changed_functions(worktree.git("diff", "--unified=0", "--no-ext-diff", f"{commit}^", commit, "--", "*.[ch]"))


def changed_functions(diff: str) -> tuple[str, ...]:
    """The names of functions in a diff without context.

    Args:
        diff: As `git diff --unified=0` prints it: each hunk names the function that it begins in.

    Returns:
        The names, each once, in their order.
    """
    found: dict[str, None] = {}
    inside = ""
    for line in diff.splitlines():
        if line.startswith("@@"):
            match = _HUNK.match(line)
            inside = match[1] if match else ""
        elif line[:1] in ("+", "-") and line[:3] not in ("+++", "---"):
            text = line[1:]
            defined = _DEFINED.match(text)
            if defined:
                inside = defined[1]
            if inside and (defined or text[:1].isspace()):
                found[inside] = None
    return tuple(found)


def maintainers(worktree: Worktree, commit: str) -> tuple[str, ...]:
    """The people and lists to whom a report about a commit goes, by the tree's own script.

    Args:
        worktree: A worktree that has sources checked out.
        commit: The commit.

    Returns:
        Addresses; none where the tree has no such script, or it fails.
    """
    files = worktree.git("diff", "--name-only", "--diff-filter=AM", f"{commit}^", commit).splitlines()
    there = [name for name in files if (worktree.path / name).is_file()]
    if not there or not (worktree.path / _SCRIPT).is_file():
        return ()
    argv = ("perl", _SCRIPT, "--nogit", "--nogit-fallback", "--norolestats", "-f", *there)
    try:
        ended = subprocess.run(
            argv, cwd=worktree.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ()
    return tuple(ended.stdout.splitlines()) if ended.returncode == 0 else ()
