"""The folder of a run: its sockets and its journal, and the record by which `clean` finds it when all else is dead.

One folder a run: `BASE/RUN`, RUN being `fusezap-` and twelve hex digits, which is also the fsname of every mount
that the run makes.  The first four digits are those of BASE: runs with another BASE are somebody else's.
`lock` in it is held by its guard, and `owner.json` names guard and harness, by number and start time.
"""

from __future__ import annotations

import binascii
import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.linux.process import Process
from harness.record import asdict, record

PREFIX = "fusezap-"
OWNER = "owner.json"
LOCK = "lock"
"""Locked by whoever looks after the run, its guard or `fusezap clean`, while that process lives."""
FRESH = ".new-"
"""Before the name of a folder that is not locked and signed yet."""
MOUNT_POINT = "mnt"
TRIES = 50


@record(frozen=True, slots=True)
class Owner:
    """The processes that look after a run.  `boot` keeps a folder that survived a reboot from naming strangers."""

    boot: str
    harness: Process
    guard: Process
    kept: bool = False

    def write(self, folder: Path) -> None:
        """In one step: a reader sees the old text or the new one."""
        fresh = folder / f".{OWNER}"
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(folder / OWNER)

    @classmethod
    def read(cls, folder: Path) -> Owner | None:
        """None where there is none, or it is not to be understood."""
        try:
            raw = json.loads((folder / OWNER).read_text())
            return cls(raw["boot"], Process(**raw["harness"]), Process(**raw["guard"]), raw["kept"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None


def base() -> Path:
    """The folder of all runs of this user: FUSEZAP_RUN_DIR, else a folder of a tmpfs that is the user's alone.

    Returns:
        FUSEZAP_RUN_DIR where it is set; `/run/fusezap` for root; `fusezap` in XDG_RUNTIME_DIR for a user; else a
        private folder in /tmp.
    """
    chosen = os.environ.get("FUSEZAP_RUN_DIR")
    if chosen:
        return Path(chosen)
    uid = os.getuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if uid == 0 and os.access("/run", os.W_OK):
        return Path("/run/fusezap")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime) / "fusezap"
    return Path(f"/tmp/fusezap-{uid}")


def prefix() -> str:
    """The beginning of the name of every run in `base()`: the program looks for, and ends, no others."""
    return f"{PREFIX}{binascii.crc_hqx(str(base()).encode(errors='surrogateescape'), 0):04x}"


def new_name() -> str:
    return prefix() + os.urandom(4).hex()


def is_name(text: str) -> bool:
    digits = text.removeprefix(PREFIX)
    return text.startswith(PREFIX) and len(digits) == 12 and all(digit in "0123456789abcdef" for digit in digits)


def run_of(source: str, point: str) -> str | None:
    """The run that a mount belongs to: by its name, or by the folder that it is in."""
    return next((name for name in (source, *point.split("/")) if is_name(name)), None)


def create(name: str, above: Path, owner: Owner) -> tuple[Path, int]:
    """Make the folder of a new run, owned from the first moment that anybody sees it.

    It is made under another name, locked, and signed by its owner; then it gets its name.  The lock is this process's
    (fcntl(2)): no child has it, and it goes with this process, however that ends.

    Args:
        name: the run's.
        above: the folder of all runs of this user.  It must be ours alone: a stranger's could be a trap.
        owner: who looks after the run.

    Returns:
        The folder, and the descriptor of its lock, to be kept open.

    Raises:
        OSError: it cannot be made.
    """
    for attempt in range(TRIES):
        try:
            above.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = above.lstat()
            if found.st_uid != os.getuid() or found.st_mode & 0o022:
                raise PermissionError(
                    errno.EPERM, f"not a folder that only user {os.getuid()} may write to", str(above)
                )
            return _owned(name, above, owner)
        except (FileNotFoundError, FileExistsError, BlockingIOError):
            # The last run has removed the base meanwhile, or `clean` came to the folder before its lock was held.
            if attempt == TRIES - 1 or (above / name).exists():
                raise
    raise AssertionError("each try returns or raises")


def _owned(name: str, above: Path, owner: Owner) -> tuple[Path, int]:
    fresh = above / f"{FRESH}{name}"
    fresh.mkdir(mode=0o700)
    lock = -1
    try:
        lock = os.open(fresh / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        owner.write(fresh)
        if (above / name).exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(above / name))
        fresh.rename(above / name)
    except BaseException:
        if lock >= 0:
            os.close(lock)
        with contextlib.suppress(OSError):
            remove(fresh)
        raise
    return above / name, lock


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Try to become the owner of a folder for the time of the block.

    A folder without a lock is at one of two moments: its maker has made it and not locked it yet, or its owner has
    removed all that was in it and only the empty folder is left.  Nothing of a run is there at either, so the empty
    folder is removed in one step, rmdir(2), which fails when its maker came first.

    Args:
        folder: of a run, or one that is just being made.

    Yields:
        True where no living process owns it; False where one does.

    Raises:
        FileNotFoundError: there is no such folder any more.
    """
    lock = _opened_lock(folder)
    if lock is None:
        yield True
        return
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as fcntl(2) has it
        free = False
    try:
        if free and not os.path.samestat(os.fstat(lock), os.lstat(folder / LOCK)):
            raise FileNotFoundError(errno.ENOENT, "its owner removed it before the lock was ours", str(folder))
        yield free
    finally:
        os.close(lock)


def _opened_lock(folder: Path) -> int | None:
    """Open the lock of a folder.

    Returns:
        A descriptor; None where the folder has files and no lock, so that no run of this version made it.

    Raises:
        FileNotFoundError: there is no such folder, or it was empty and is gone now.
    """
    for _ in range(2):  # its maker may make the lock after it was not found
        try:
            return os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            try:
                os.rmdir(folder)
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
                continue
            _remove_base(folder.parent)
            raise
    return None


def remove(folder: Path) -> None:
    """Flat removal of what a run makes: files, sockets and one empty mount point.

    The mount itself lives in the guard's mount namespace; in ours the mount point is an empty folder, and rmdir()
    of it never asks the filesystem that hangs.  The entries are removed through a descriptor of the folder, so that a
    new folder with the same name loses nothing.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with os.scandir(opened) as found:
            entries = sorted(found, key=lambda each: each.name == LOCK)  # the lock is the last to go
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                os.rmdir(entry.name, dir_fd=opened)
            else:
                os.unlink(entry.name, dir_fd=opened)
    finally:
        os.close(opened)
    with contextlib.suppress(FileNotFoundError):  # `clean` takes an empty folder
        os.rmdir(folder)
    _remove_base(folder.parent)


def _remove_base(base: Path) -> None:
    with contextlib.suppress(OSError):  # another run is in it
        base.rmdir()
