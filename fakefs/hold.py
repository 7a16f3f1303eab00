"""A program that holds files open until it is killed, each in its own thread and, by default, its own descriptor table.

The exit of that thread then sends the FLUSH, whatever the other threads of the process do: close_files() (fs/file.c)
runs in the last task that uses a descriptor table.

In a thread of the server itself, the file must have a LOWER descriptor than every /dev/fuse in that table. The reason:
close_files() closes in ascending order, so during the FLUSH the table still owns its reference to the device. With
a higher descriptor, that reference goes first, the exit of another thread may drop the last one, and fuse_dev_release()
(fs/fuse/dev.c) ends the connection. Measured: 100 of 100 kills left the task stuck with the lower descriptor, 10 of 100
with the higher one. So the thread closes descriptor 0 of its own table and opens the file, which gets that descriptor,
because open(2) returns the lowest one that is free.

The program, `python -m fakefs.hold FILE...`, imports as little as possible, because its start counts as time of the
scenario.
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

#: Character device 10:229 (FUSE_MINOR in include/linux/miscdevice.h). Not read from /proc, which may show another PID
#: namespace.
FUSE_DEVICE = os.makedev(10, 229)

MODES = {"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR}

HELP = """\
usage: python -m fakefs.hold [--mode r|w|rw] [--create] [--threads N] [--mounted FOLDER] FILE...

Opens each FILE in its own thread with a private descriptor table, and keeps it open until the process is killed. The
exit of that thread then flushes the file. Sends READY=1 to NOTIFY_SOCKET, if that is set, when all files are open.

  --mode r|w|rw      how to open the files (default r)
  --create           create a file that does not exist
  --threads N        start N more threads, which do nothing (default 2)
  --mounted FOLDER   wait until a filesystem is mounted at FOLDER before anything else

  python -m fakefs.hold --mode rw /mnt/data/file
"""

_libc = ctypes.CDLL(None, use_errno=True)


def name_thread(name: bytes) -> None:
    """Set the name of the calling thread, as /proc shows it: up to 15 bytes."""
    _libc.prctl(PR_SET_NAME, name, 0, 0, 0)


def open_alone(path: str, flags: int) -> int:
    """Open `path` as descriptor 0 of a descriptor table that belongs to this thread alone. Raises OSError."""
    if _libc.unshare(CLONE_FILES) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "unshare(CLONE_FILES)")
    if os.fstat(0).st_rdev == FUSE_DEVICE:
        raise OSError(0, "descriptor 0 is the FUSE device, so no file can be held below it")
    os.close(0)
    descriptor = open_any(path, flags)
    if descriptor != 0:
        raise OSError(0, f"got descriptor {descriptor} instead of 0", path)
    return descriptor


def open_any(path: str, flags: int) -> int:
    """Open a file with these flags, or a directory for reading, which is the only way to open one. Raises OSError."""
    try:
        return os.open(path, flags, 0o644)
    except IsADirectoryError:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


class Holder:
    """A thread that holds one file open.

    Attributes:
        path: The file.
        tid: The thread id, once `wait_until_open` has returned True.
        error: The error of the open, once `wait_until_open` has returned True; None if it succeeded.
    """

    def __init__(self, path: str, flags: int, shared: bool = False) -> None:
        """Start the thread.

        Args:
            path: The file.
            flags: Flags of open(2).
            shared: Use the descriptor table of the process instead of a private one.
        """
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
        # Close the whole table in ascending order: the file, then the thread's references to the device, which would
        # otherwise exist for a moment longer than the thread's Python code.
        os.closerange(0, 1 << 20)
        self._gone.release()

    def wait_until_open(self, seconds: float = -1) -> bool:
        """Wait for the answer to the open.

        Args:
            seconds: The longest wait; -1 waits without a limit.

        Returns:
            Whether the answer, a file or an error, came in that time.
        """
        if not self._open.acquire(timeout=seconds):
            return False
        self._open.release()
        return True

    def leave(self, seconds: float) -> bool:
        """Close the file, which sends the FLUSH. May be called once.

        Returns:
            Whether the server answered within that many seconds.
        """
        self._leave.release()
        return self._gone.acquire(timeout=seconds)


def parse(argv: list[str]) -> tuple[list[str], int, int, str | None]:
    """Parse the command line.

    Returns:
        The files, the flags of open(2), the number of idle threads, and the folder of `--mounted` or None.

    Raises:
        ValueError: The command line is wrong; the message says why.
    """
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
                    raise ValueError(f"--mode: {value!r} is not one of {', '.join(MODES)}")
                flags = MODES[value]
            elif value.isdecimal() and int(value) <= 1000:
                idle = int(value)
            else:
                raise ValueError(f"--threads: {value!r} is not a number from 0 to 1000")
        elif word == "--":
            files += rest
        elif word.startswith("-") and word != "-":
            raise ValueError(f"unknown option {word!r}")
        else:
            files.append(word)
    if not files:
        raise ValueError("needs a FILE")
    return files, flags | create, idle, mounted


def main(argv: list[str]) -> int:
    """Run the program.

    Args:
        argv: The arguments without the program's name.

    Returns:
        The exit status: 1 if a file cannot be opened, 2 for a wrong command line, 3 for a defect of fakefs. With all
        files open, the program does not return.
    """
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
        start_new_thread(sleep_forever, ())
    # A private table starts as a copy of the process's, in which open_alone() closes descriptor 0. This makes sure that
    # there is one; if there was one already, it gets a higher number and has no effect.
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
    notify("READY=1", f"STATUS=holds {len(holders)} files open", *held)
    sleep_forever()
    return 0


def sleep_forever() -> None:
    while True:
        time.sleep(1 << 24)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
