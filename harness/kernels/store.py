"""The cache of unpacked kernels below XDG_CACHE_HOME: an entry is there whole, or not at all."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.files import user_folder


def base() -> Path:
    return user_folder("XDG_CACHE_HOME", ".cache") / "fusezap" / "kernels"


def specs() -> Path:
    """The entries that names lead to, of those that had to be fetched."""
    return base() / "specs"


def size(folder: Path) -> int:
    """Bytes of the files in it."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def prune() -> int:
    """Removes all of it; the bytes that are free again.  Waits for who is just adding to it."""
    if not base().is_dir():
        return 0
    with (base() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        freed = size(base())
        for path in base().iterdir():
            if path.is_dir():
                shutil.rmtree(path)
    return freed


def forget(*paths: Path | None) -> int:
    """Removes the entries that those files lie in, if no other name leads there; the bytes that are free again."""
    names = {path.relative_to(base()).parts[0] for path in paths if path is not None and path.is_relative_to(base())}
    needed = "".join(path.read_text() for path in specs().glob("*"))
    there = [base() / name for name in names if name not in needed and (base() / name).is_dir()]
    if not there:
        return 0
    with (base() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        freed = sum(map(size, there))
        for folder in there:
            shutil.rmtree(folder)
    return freed


def found(name: str) -> Path | None:
    """The entry of that name, where it was made."""
    folder = base() / name
    return folder if folder.is_dir() else None


def entry(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of that name; `build` fills it first where there is none.  Two that want it at once build it once."""
    folder = base() / name
    if folder.is_dir():
        return folder
    base().mkdir(parents=True, exist_ok=True)
    with (base() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        for left in base().glob(".new-*"):
            shutil.rmtree(left)  # its builder is dead, for we have the lock
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=base()))
        try:
            build(fresh)
            fresh.chmod(0o755)
            fresh.rename(folder)
        except BaseException:
            shutil.rmtree(fresh)
            raise
    return folder
