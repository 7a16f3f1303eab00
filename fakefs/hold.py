"""Holds files open, each in a thread of its own, by default with a private descriptor table, until killed.

The thread's own exit then sends the FLUSH, whatever the other threads of the process do: close_files() runs in the last
task that uses a descriptor table.

In a thread of the server itself the file has to lie BELOW every descriptor of /dev/fuse in that table. close_files()
closes in ascending order, so at the FLUSH the table still owns its reference to the device. With the file above it that
reference goes first, another thread's exit may drop the last one, and fuse_dev_release() ends the connection:
measured, 100 of 100 kills left the task stuck with the file below the device, 10 of 100 with it above. So descriptor 0
of the private table is closed and the file opened, which lands there: open(2) takes the lowest.

As a program, `python -m fakefs.hold FILE...` imports as little as it can: it starts inside of the scenario's clock.
"""

import ctypes
import os
import sys
import time
from _thread import allocate_lock, get_native_id, start_new_thread

from fakefs.mounted import wait_until_mounted
from fakefs.notify import notify, one_line
from fakefs.program import complain, run, write

CLONE_FILES = 0x400
PR_SET_NAME = 15
NAME = b"fakefs-hold"

#: Character device 10:229 (FUSE_MINOR). Not asked in /proc, which may show another PID namespace than ours.
FUSE_DEVICE = os.makedev(10, 229)

MODES = {"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR}

HELP = """\
usage: python -m fakefs.hold [--mode r|w|rw] [--create] [--threads N] [--mounted FOLDER] FILE...

Opens each FILE in a thread of its own, with a private descriptor table, and keeps it open until killed: the exit of
that very thread then flushes the file. With NOTIFY_SOCKET set, says READY=1 when all are held.

  --mode r|w|rw   how to open (default r)
  --create        create a file that is not there
  --threads N     idle threads beside these (default 2)
  --mounted FOLDER   first waits until something is mounted at FOLDER

  python -m fakefs.hold --mode rw /mnt/data/file
"""

_libc = ctypes.CDLL(None, use_errno=True)


def name_thread(name: bytes) -> None:
    """As /proc shows it, up to 15 bytes."""
    _libc.prctl(PR_SET_NAME, name, 0, 0, 0)


def open_alone(path: str, flags: int) -> int:
    """Open `path` as descriptor 0 of a descriptor table that this thread shares with nobody. Raises OSError."""
    if _libc.unshare(CLONE_FILES) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "unshare(CLONE_FILES)")
    if os.fstat(0).st_rdev == FUSE_DEVICE:
        raise OSError(0, "descriptor 0 is the FUSE device, so no file can be held below it")
    os.close(0)
    descriptor = open_any(path, flags)
    if descriptor != 0:
        raise OSError(0, f"landed at descriptor {descriptor}, not at 0", path)
    return descriptor


def open_any(path: str, flags: int) -> int:
    """A directory can be opened for reading alone."""
    try:
        return os.open(path, flags, 0o644)
    except IsADirectoryError:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


class Holder:
    """A thread that holds one file. `tid` is known, or `error` set, once `wait_until_open` returned."""

    def __init__(self, path: str, flags: int, shared: bool = False) -> None:
        """`shared`: in the descriptor table of the whole process."""
        self.path = path
        self._shared = shared
        self.tid = 0
        self.error: OSError | None = None
        self._flags = flags
        self._open = allocate_lock()
        self._leave = allocate_lock()
        self._gone = allocate_lock()
        for lock in (self._open, self._leave, self._gone):
            lock.acquire()
        start_new_thread(self._run, ())

    def _run(self) -> None:
        self.tid = get_native_id()
        name_thread(NAME)
        try:
            descriptor = open_any(self.path, self._flags) if self._shared else open_alone(self.path, self._flags)
        except OSError as error:
            self.error = error
            self._open.release()
            self._gone.release()
            return
        self._open.release()
        self._leave.acquire()
        if self._shared:
            os.close(descriptor)
            self._gone.release()
            return
        # The whole table, in this order: the file first, then the thread's references to the device, which would
        # otherwise outlive the thread's last Python code for an instant.
        os.closerange(0, 1 << 20)
        self._gone.release()

    def wait_until_open(self, seconds: float = -1) -> bool:
        """Whether the open was answered, well or with an error, within that time (-1: for ever)."""
        if not self._open.acquire(timeout=seconds):
            return False
        self._open.release()
        return True

    def leave(self, seconds: float) -> bool:
        """Close the file, which sends the FLUSH; whether that was answered within that time. Once only."""
        self._leave.release()
        return self._gone.acquire(timeout=seconds)


def parse(argv: list[str]) -> tuple[list[str], int, int, str | None]:
    """(files, open flags, idle threads, folder to be mounted at). Raises ValueError with what is wrong."""
    files: list[str] = []
    flags, create, idle = os.O_RDONLY, 0, 2
    mounted: str | None = None
    rest = iter(argv)
    for word in rest:
        if word == "--create":
            create = os.O_CREAT
        elif word in ("--mode", "--threads", "--mounted"):
            value = next(rest, "")
            if word == "--mounted":
                mounted = value
            elif word == "--mode":
                if value not in MODES:
                    raise ValueError(f"--mode: {value!r} is none of {', '.join(MODES)}")
                flags = MODES[value]
            elif value.isdecimal() and int(value) <= 1000:
                idle = int(value)
            else:
                raise ValueError(f"--threads: {value!r} is no number from 0 to 1000")
        elif word == "--":
            files += rest
        elif word.startswith("-") and word != "-":
            raise ValueError(f"unknown option {word!r}")
        else:
            files.append(word)
    if not files:
        raise ValueError("no FILE is named")
    return files, flags | create, idle, mounted


def main(argv: list[str]) -> int:
    return run("fakefs.hold", command, argv)


def command(argv: list[str]) -> int:
    if {"-h", "--help"} & set(argv):
        write(HELP.rstrip("\n"))
        return 0
    try:
        files, flags, idle, mounted = parse(argv)
    except ValueError as error:
        complain(f"fakefs.hold: {error}\n{HELP}".rstrip("\n"))
        return 2
    name_thread(NAME)
    if mounted is not None:
        wait_until_mounted(mounted)
    for _ in range(idle):
        start_new_thread(sleep_for_ever, ())
    # An own table is made of the process's, where descriptor 0 has to be there to be closed. If it is, this lands
    # higher, and is one more that nobody uses.
    os.open(os.devnull, os.O_RDONLY)
    holders = [Holder(os.path.abspath(path), flags) for path in files]
    for holder in holders:
        holder.wait_until_open()
    errors = [holder.error for holder in holders if holder.error is not None]
    for problem in errors:
        complain(f"fakefs.hold: cannot hold a file: {problem}")
    if errors:
        notify(f"ERRNO={errors[0].errno}", f"STATUS={one_line(str(errors[0]))}")
        return 1
    held = [f"X_FAKEFS_HOLD={one_line(holder.path)} {holder.tid}" for holder in holders]
    notify("READY=1", f"STATUS=holds {len(holders)} open", *held)
    sleep_for_ever()
    return 0


def sleep_for_ever() -> None:
    while True:
        time.sleep(1 << 24)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
