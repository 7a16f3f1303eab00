"""Where a run keeps its sockets and its journal, and by what it is found again when everything else is dead.

One folder a run: `BASE/RUN`, RUN being `fusezap-` and twelve hex digits, which is also the fsname of every mount
that the run makes.  The first four digits are those of BASE: runs with another BASE are somebody else's.
`owner.json` in it names the processes that look after it, by number and start time.
"""

from __future__ import annotations

import binascii
import errno
import json
import os
from pathlib import Path

from harness.linux.process import Process
from harness.record import asdict, record

PREFIX = "fusezap-"
OWNER = "owner.json"
MOUNT_POINT = "mnt"
TRIES = 50


@record(frozen=True, slots=True)
class Owner:
    """Who looks after a run.  `boot` keeps a folder that survived a reboot from naming strangers."""

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
        except (OSError, ValueError, KeyError, TypeError):
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


def create(name: str, above: Path) -> Path:
    """The folder of a new run in `above`, which must be ours alone: a stranger's folder could be a trap."""
    folder = above / name
    for attempt in range(TRIES):
        try:
            above.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = above.lstat()
            if found.st_uid != os.getuid() or found.st_mode & 0o022:
                raise PermissionError(
                    errno.EPERM, f"not a folder that only user {os.getuid()} may write to", str(above)
                )
            folder.mkdir(mode=0o700)
            break
        except (FileNotFoundError, FileExistsError):
            # Another run, the last one, has removed the base between two of these steps.
            if attempt == TRIES - 1:
                raise
    return folder


def remove(folder: Path) -> None:
    """Flat removal of what a run makes: files, sockets and one empty mount point.

    The mount itself lives in the guard's mount namespace; in ours the mount point is an empty folder, and rmdir()
    of it never asks the filesystem that hangs.
    """
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            os.rmdir(entry.path)
        else:
            os.unlink(entry.path)
    os.rmdir(folder)
    try:
        folder.parent.rmdir()
    except OSError:
        return  # another run is in it
