"""Starts the guard's children: a program next to the container, and the container itself.

    guard ─▶ shim ─▶ init (PID 1 of its namespace) ─▶ programs

as containerd-shim, docker-init and the container's process stand to each other.  Shim and init are forks without
exec, for the guard has one thread only; the programs are executed.  Each dies with its parent (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping, Sequence

import prctl

from harness.guard import preload
from harness.linux.syscalls import CLONE_NEWNS, CLONE_NEWPID, mount, unshare


def die_with_parent(parent: int) -> None:
    """The parent may have died before the call: then nobody would send the signal."""
    prctl.set_pdeathsig(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def execute(argv: Sequence[str], env: Mapping[str, str], log: str) -> None:
    """Never returns.  `env` is added to our environment, which is the harness's.

    Output goes to `log`: the harness's own streams must not stay open in a hung task.
    """
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        main = preload.find(argv)
        if main is not None:
            preload.run(main, argv, env)
        os.execve(argv[0], list(argv), {**os.environ, **env})
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def program(argv: Sequence[str], env: Mapping[str, str], log: str) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with_parent(parent)
        execute(argv, env, log)
    return pid


def container(
    programs: Sequence[Sequence[str]], env: Mapping[str, str], log: str, nested: bool = False
) -> tuple[int, int]:
    """(shim, init), both as seen from here; OSError with the reason where the kernel refuses the namespaces."""
    guard = os.getpid()
    result, reply = os.pipe()
    shim = os.fork()
    if shim == 0:
        os.close(result)
        _shim(guard, reply, programs, env, log, nested)
    os.close(reply)
    with open(result, encoding="ascii") as stream:
        number, _, error = stream.read().partition(" ")
    if error or not number:
        os.waitpid(shim, 0)
        code = int(error or 0)
        raise OSError(code, os.strerror(code), "new PID and mount namespace")
    return shim, int(number)


def _shim(
    guard: int, reply: int, programs: Sequence[Sequence[str]], env: Mapping[str, str], log: str, nested: bool
) -> None:
    try:
        die_with_parent(guard)
        prctl.set_name("fusezap-shim")
        unshare(CLONE_NEWPID | CLONE_NEWNS)
        orphaned, alive = os.pipe()
        init = os.fork()
        if init == 0:
            os.close(reply)
            os.close(alive)
            _init(orphaned, programs, env, log, nested)
        os.write(reply, f"{init} ".encode())
        os.close(reply)
        os.waitpid(init, 0)
    except OSError as error:
        os.write(reply, f"0 {error.errno}".encode())
    finally:
        os._exit(0)


def _inner_shim(programs: Sequence[Sequence[str]], env: Mapping[str, str], log: str) -> None:
    try:
        die_with_parent(1)
        prctl.set_name("fusezap-inner")
        unshare(CLONE_NEWPID | CLONE_NEWNS)
        orphaned, alive = os.pipe()
        init = os.fork()
        if init == 0:
            os.close(alive)
            _init(orphaned, programs, env, log)
        os.waitpid(init, 0)
    finally:
        os._exit(0)


def _init(
    orphaned: int, programs: Sequence[Sequence[str]], env: Mapping[str, str], log: str, nested: bool = False
) -> None:
    """`orphaned` is at its end once the shim is dead: getppid() is 0 here, dead parent or not."""
    try:
        prctl.set_pdeathsig(signal.SIGKILL)
        if select.select([orphaned], [], [], 0)[0]:
            os._exit(1)
        prctl.set_name("fusezap-init")
        try:
            mount("proc", "/proc", "proc")
        except OSError as error:
            # In a container that masks parts of /proc, a user namespace may not mount a whole one
            # (mount_too_revealing()); the programs can do without.
            os.write(2, f"no /proc of its own: {error.strerror}\n".encode())
        if nested:
            if os.fork() == 0:
                _inner_shim(programs, env, log)
        else:
            for argv in programs:
                if os.fork() == 0:
                    die_with_parent(1)
                    execute(argv, env, log)
        while True:
            try:
                os.wait()
            except ChildProcessError:
                signal.pause()
    finally:
        os._exit(1)
