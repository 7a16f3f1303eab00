"""Creates files in a tree before it is mounted."""

import os
import stat

from fakefs.tree import Owner, Tree

#: Number of bytes to copy at a time.
COPIED = 1 << 20


def put_folders(tree: Tree, path: str, owner: Owner) -> None:
    """Create the folders above `path` that do not exist."""
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
    """Create a file with this content, and the folders above it if needed. An existing file gets the new content."""
    put_folders(tree, path, owner)
    if not exists(tree, path):
        tree.mknod(path, stat.S_IFREG | 0o644, 0, owner)
    tree.truncate(path, 0)
    tree.write(path, content, 0)


def copy_in(tree: Tree, source: str) -> None:
    """Copy a folder's tree into the root of `tree`: content, links, modes, owners, times.

    Raises:
        OSError: A file cannot be read, or `tree` has no room for it.
    """
    nobody = Owner()
    seen: dict[tuple[int, int], str] = {}
    copied = [(source, "/")]
    folders = [(source, "/")]
    while folders:
        folder, path = folders.pop()
        for item in sorted(os.scandir(folder), key=lambda item: item.name):
            found = item.stat(follow_symlinks=False)
            at = path.rstrip("/") + "/" + item.name
            copied.append((item.path, at))
            known = seen.setdefault((found.st_dev, found.st_ino), at)
            if stat.S_ISDIR(found.st_mode):
                tree.mkdir(at, 0o755, nobody)
                folders.append((item.path, at))
            elif known != at:
                tree.link(at, known)
            elif stat.S_ISLNK(found.st_mode):
                tree.symlink(at, os.readlink(item.path), nobody)
            elif stat.S_ISREG(found.st_mode):
                tree.mknod(at, stat.S_IFREG | 0o644, 0, nobody)
                _copy_content(tree, item.path, at)
            else:
                tree.mknod(at, found.st_mode, found.st_rdev, nobody)
    # A folder comes after everything in it, because creating a file in a folder changes the folder's times.
    for real, at in reversed(copied):
        _copy_attributes(tree, real, at)


def _copy_content(tree: Tree, real: str, path: str) -> None:
    offset = 0
    with open(real, "rb", buffering=0) as file:
        while piece := file.read(COPIED):
            tree.write(path, piece, offset)
            offset += len(piece)


def _copy_attributes(tree: Tree, real: str, path: str) -> None:
    found = os.lstat(real)
    tree.chown(path, found.st_uid, found.st_gid)
    if not stat.S_ISLNK(found.st_mode):
        tree.chmod(path, found.st_mode)
    tree.utimens(path, (found.st_atime_ns, found.st_mtime_ns))
