"""Puts files into a tree before it is mounted."""

import os
import stat

from fakefs.tree import Owner, Tree


def put_folders(tree: Tree, path: str, owner: Owner) -> None:
    """Make the folders above `path` that are not there."""
    parts = path.split("/")[1:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/" + "/".join(parts[:depth])
        if not exists(tree, folder):
            tree.mkdir(folder, 0o755, owner)


def exists(tree: Tree, path: str) -> bool:
    try:
        tree.getattr(path)
    except FileNotFoundError:
        return False
    return True


def put_file(tree: Tree, path: str, content: bytes, owner: Owner) -> None:
    """A file with this content, in folders that are made as needed; one that is there is overwritten."""
    put_folders(tree, path, owner)
    if not exists(tree, path):
        tree.mknod(path, stat.S_IFREG | 0o644, 0, owner)
    tree.truncate(path, 0)
    tree.write(path, content, 0)


def copy_in(tree: Tree, source: str) -> None:
    """A copy of a folder's tree: content, links, modes, owners, times. Raises OSError of what cannot be read."""
    seen: dict[tuple[int, int], str] = {}
    _copy(tree, source, "/", seen)
    for folder, names, files in os.walk(source, topdown=False):
        for name in (*names, *files):
            real = os.path.join(folder, name)
            _attributes(tree, real, "/" + os.path.relpath(real, source))
    _attributes(tree, source, "/")


def _attributes(tree: Tree, real: str, path: str) -> None:
    """Times last: each thing that is put into a folder changes the folder's."""
    found = os.lstat(real)
    tree.chown(path, found.st_uid, found.st_gid)
    if not stat.S_ISLNK(found.st_mode):
        tree.chmod(path, found.st_mode)
    tree.utimens(path, (found.st_atime_ns, found.st_mtime_ns))


def _copy(tree: Tree, folder: str, path: str, seen: dict[tuple[int, int], str]) -> None:
    nobody = Owner()
    for item in sorted(os.scandir(folder), key=lambda item: item.name):
        found = item.stat(follow_symlinks=False)
        at = path.rstrip("/") + "/" + item.name
        known = seen.setdefault((found.st_dev, found.st_ino), at)
        if stat.S_ISDIR(found.st_mode):
            tree.mkdir(at, 0o755, nobody)
            _copy(tree, item.path, at, seen)
        elif known != at:
            tree.link(at, known)
        elif stat.S_ISLNK(found.st_mode):
            tree.symlink(at, os.readlink(item.path), nobody)
        elif stat.S_ISREG(found.st_mode):
            with open(item.path, "rb") as file:
                put_file(tree, at, file.read(), nobody)
        else:
            tree.mknod(at, found.st_mode, found.st_rdev, nobody)
