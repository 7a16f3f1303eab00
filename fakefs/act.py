"""Makes one call on a file, and is in it for as long as the filesystem likes.

Each action is a generator: what it does before its first yield is preparation, what it does after it is the call. In a
thread of the server itself (`--act`) the call is one on the server's own mount.

As a program, `python -m fakefs.act ACTION FILE`, it imports little: it starts inside of the scenario's clock.
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

Prepares ACTION (opens FILE where the action needs it), says READY=1 (NOTIFY_SOCKET), makes the call, and sleeps until
killed once that returns.

  open         open(2)                      getattr      stat(2)
  read         read(2) of a byte            write        write(2) of a byte
  fsync        fsync(2)                     close        close(2)
  fault        touches a page of a mapping
  write-exit   write(2) of a byte, fsync(2), then exits with the file open
  execute      5 children write a program each beside FILE and exit without closing it; as soon as one has exited, what
               it wrote is executed. Says in X_FAKEFS_FAILED how often that failed, and how: `5 ETXTBSY`

  --mounted FOLDER   first waits until something is mounted at FOLDER
  --at-signal        makes the call when SIGUSR1 comes

  python -m fakefs.act fsync /mnt/data/file
"""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.memcpy.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
PROT_READ, MAP_SHARED = 1, 1


Action = Callable[[str], Iterator[tuple[str, ...]]]
"""Yields, once, what it has to say beside READY=1."""


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
    """Through libc, for a call by ctypes lets the other threads run; a touch by Python code would stop them all."""
    descriptor = os.open(path, os.O_RDONLY)
    address = _libc.mmap(None, 4096, PROT_READ, MAP_SHARED, descriptor, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"mmap {path}")
    byte = ctypes.create_string_buffer(1)
    os.close(descriptor)  # the mapping alone keeps the file: its end sends no FLUSH
    yield ()
    _libc.memcpy(byte, address, 1)


def act_write_exit(path: str) -> Iterator[tuple[str, ...]]:
    descriptor = os.open(path, os.O_WRONLY)
    yield ()
    os.write(descriptor, b"x")
    os.fsync(descriptor)
    os._exit(0)


def act_execute(path: str) -> Iterator[tuple[str, ...]]:
    """All are written at once, for each exit may take as long as the server takes to answer its FLUSH."""
    writers = {_writer(program): program for program in (f"{path}.{number}" for number in range(EXECUTIONS))}
    failed = []
    while writers:
        exited, _ = os.wait()
        number = _executed(writers.pop(exited))
        if number:
            failed.append(errno.errorcode.get(number, str(number)))
    yield (f"X_FAKEFS_FAILED={len(failed)} {' '.join(sorted(set(failed)))}",) if failed else ()


def _writer(path: str) -> int:
    """A child that writes the program and exits without closing it."""
    child = os.fork()
    if child == 0:
        os.write(os.open(path, os.O_WRONLY | os.O_CREAT, 0o755), SCRIPT)
        os._exit(0)
    return child


def _executed(path: str) -> int:
    """The errno of execve(2), or 0."""
    try:
        program = os.posix_spawn(path, [path], {})
    except OSError as error:
        return error.errno or 255
    os.kill(program, signal.SIGKILL)  # it was executed; what it would do is of no interest
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

#: What a thread of another program can do; the others exit or fork.
IN_A_THREAD = tuple(name for name in ACTIONS if name not in ("write-exit", "execute"))


def main(argv: list[str]) -> int:
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
        complain(f"fakefs.act: one ACTION of {', '.join(ACTIONS)}, and one FILE\n{HELP}".rstrip("\n"))
        return 2
    name_thread(NAME)
    if at_signal:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    if mounted is not None:
        wait_until_mounted(mounted)
    action = ACTIONS[words[0]](os.path.abspath(words[1]))
    try:
        said = next(action)
    except OSError as error:
        complain(f"fakefs.act: {words[0]}: {error}")
        notify(f"ERRNO={error.errno}", f"STATUS={words[0]}: {error}")
        return 1
    notify("READY=1", f"STATUS=is about to call {words[0]}", *said)
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
