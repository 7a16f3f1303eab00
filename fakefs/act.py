"""A program that makes one system call on a file and stays in it until the filesystem answers.

Each action is a generator: the code before its first yield prepares the call, the code after it makes the call. With
`--act`, a thread of the server itself runs an action on the server's own mount.

The program, `python -m fakefs.act ACTION FILE`, imports little, because its start counts as time of the scenario.
"""

import ctypes
import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from fakefs.hold import name_thread
from fakefs.mounted import wait_until_mounted
from fakefs.notify import notify
from fakefs.program import complain, run, write

NAME = b"fakefs-act"
SCRIPT = b"#!/bin/sh\nexit 0\n"
EXECUTIONS = 5

HELP = """\
usage: python -m fakefs.act [--mounted FOLDER] [--at-signal] ACTION FILE

Prepares ACTION (opens FILE if the action needs that), sends READY=1 to NOTIFY_SOCKET, and makes the call. Once the call
returns, the program sleeps until it is killed.

  open         open(2)                      getattr      stat(2)
  read         read(2) of a byte            write        write(2) of a byte
  fsync        fsync(2)                     close        close(2)
  fault        touches a page of a mapping
  write-exit   write(2) of a byte, fsync(2), then exits with the file open
  execute      5 children each write a program next to FILE and exit without closing it; the parent executes each
               program as soon as its writer has exited. X_FAKEFS_FAILED is the number of failures and their errors:
               `5 ETXTBSY`

  --mounted FOLDER   waits until a filesystem is mounted at FOLDER before anything else
  --at-signal        makes the call when SIGUSR1 arrives

  python -m fakefs.act fsync /mnt/data/file
"""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.memcpy.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
PROT_READ, MAP_SHARED = 1, 1


Action = Callable[[str], Iterator[tuple[str, ...]]]
"""Yields once: the assignments to send together with READY=1."""


def act_open(path: str) -> Iterator[tuple[str, ...]]:
    yield ()
    os.open(path, os.O_RDONLY)


def act_getattr(path: str) -> Iterator[tuple[str, ...]]:
    yield ()
    os.stat(path)


def act_read(path: str) -> Iterator[tuple[str, ...]]:
    descriptor = os.open(path, os.O_RDONLY)
    yield ()
    os.read(descriptor, 1)


def act_write(path: str) -> Iterator[tuple[str, ...]]:
    descriptor = os.open(path, os.O_WRONLY)
    yield ()
    os.write(descriptor, b"x")


def act_fsync(path: str) -> Iterator[tuple[str, ...]]:
    descriptor = os.open(path, os.O_WRONLY)
    yield ()
    os.fsync(descriptor)


def act_close(path: str) -> Iterator[tuple[str, ...]]:
    descriptor = os.open(path, os.O_RDONLY)
    yield ()
    os.close(descriptor)


def act_fault(path: str) -> Iterator[tuple[str, ...]]:
    """Touch the page by a function of libc: ctypes releases the interpreter's lock (GIL); Python code does not."""
    descriptor = os.open(path, os.O_RDONLY)
    address = _libc.mmap(None, 4096, PROT_READ, MAP_SHARED, descriptor, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"mmap {path}")
    byte = ctypes.create_string_buffer(1)
    os.close(descriptor)  # only the mapping keeps the file open now, and munmap(2) sends no FLUSH
    yield ()
    _libc.memcpy(byte, address, 1)


def act_write_exit(path: str) -> Iterator[tuple[str, ...]]:
    descriptor = os.open(path, os.O_WRONLY)
    yield ()
    os.write(descriptor, b"x")
    os.fsync(descriptor)
    os._exit(0)


def act_execute(path: str) -> Iterator[tuple[str, ...]]:
    """Write all programs at once: each exit may take as long as the server takes to answer its FLUSH."""
    writers = {_writer(program): program for program in (f"{path}.{number}" for number in range(EXECUTIONS))}
    failed = []
    while writers:
        exited, _ = os.wait()
        number = _executed(writers.pop(exited))
        if number:
            failed.append(errno.errorcode.get(number, str(number)))
    yield (f"X_FAKEFS_FAILED={len(failed)} {' '.join(sorted(set(failed)))}",) if failed else ()


def _writer(path: str) -> int:
    """Start a child that writes the program and exits without closing it.

    Returns:
        The child's process id.
    """
    child = os.fork()
    if child == 0:
        os.write(os.open(path, os.O_WRONLY | os.O_CREAT, 0o755), SCRIPT)
        os._exit(0)
    return child


def _executed(path: str) -> int:
    """Execute the program.

    Returns:
        The errno of execve(2), or 0 if it succeeded.
    """
    try:
        program = os.posix_spawn(path, [path], {})
    except OSError as error:
        return error.errno or 255
    os.kill(program, signal.SIGKILL)  # execve(2) has succeeded, and nothing else matters
    os.waitpid(program, 0)
    return 0


ACTIONS: dict[str, Action] = {
    "open": act_open,
    "getattr": act_getattr,
    "read": act_read,
    "write": act_write,
    "fsync": act_fsync,
    "close": act_close,
    "fault": act_fault,
    "write-exit": act_write_exit,
    "execute": act_execute,
}

#: Actions that a thread of another program can run; the others exit or fork.
IN_A_THREAD = tuple(name for name in ACTIONS if name not in ("write-exit", "execute"))


def main(argv: list[str]) -> int:
    """Run the program.

    Args:
        argv: The arguments without the program's name.

    Returns:
        The exit status: 1 if the action could not be prepared, 2 for a wrong command line, 3 for a defect of fakefs.
        After the call, the program does not return.
    """
    return run("fakefs.act", command, argv)


def command(argv: list[str]) -> int:
    if {"-h", "--help"} & set(argv):
        write(HELP.rstrip("\n"))
        return 0
    words = list(argv)
    at_signal = "--at-signal" in words
    if at_signal:
        words.remove("--at-signal")
    mounted = None
    if words[:1] == ["--mounted"]:
        mounted = words[1] if len(words) > 1 else None
        del words[:2]
    if len(words) != 2 or words[0] not in ACTIONS:
        complain(f"fakefs.act: needs one ACTION of {', '.join(ACTIONS)}, and one FILE\n{HELP}".rstrip("\n"))
        return 2
    name_thread(NAME)
    if at_signal:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    if mounted is not None:
        wait_until_mounted(mounted)
    action = ACTIONS[words[0]](os.path.abspath(words[1]))
    try:
        assignments = next(action)
    except OSError as error:
        complain(f"fakefs.act: {words[0]}: {error}")
        notify(f"ERRNO={error.errno}", f"STATUS={words[0]}: {error}")
        return 1
    notify("READY=1", f"STATUS=is about to call {words[0]}", *assignments)
    if at_signal:
        signal.sigwait({signal.SIGUSR1})
    try:
        for _ in action:
            pass
    except OSError as error:
        complain(f"fakefs.act: {words[0]}: {error}")
    while True:
        time.sleep(1 << 24)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
