"""Real mounts of fakefs. The connection of each test can be aborted, and no mount or process of it stays."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path

import pytest

from fakefs import binding, journal
from fakefs.client import Control
from fakefs.errors import SetupError
from fakefs.mount import check_device

#: Seconds that a test waits for an event before it fails.
PATIENCE = 20.0

#: Numbers for the names of mounts, so that each one in a test process is different.
NUMBERS = count()

ROOT = Path(__file__).parents[3]

Serve = Callable[..., "Served"]


def require_machine() -> None:
    """Skip the test with everything that the machine lacks for a mount by the binding of the environment.

    The suite's other requirements (root, fusectl's abort) are not these tests'.
    """
    missing = []
    for check in (check_device, binding.load):
        try:
            check()
        except SetupError as error:
            missing.append(str(error))
    if missing:
        pytest.skip("; ".join(missing))


@pytest.fixture(autouse=True, scope="package", params=list(binding.KINDS))
def machine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs each test with each binding to libfuse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(binding.VARIABLE, request.param)
        require_machine()
        yield


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Replaces the check of the suite, which is about whole runs; `Served.end` has its own."""
    return iter([None])


@pytest.fixture(scope="session")
def connections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A mount of fusectl for these tests only, which other programs do not unmount."""
    own = tmp_path_factory.mktemp("fusectl")
    done = subprocess.run(["mount", "-t", "fusectl", "none", own], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"fusectl, to abort a connection that hangs: {done.stderr.strip()}")
    yield own
    subprocess.run(["umount", own], check=True)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def command(module: str, *words: str | os.PathLike[str]) -> list[str]:
    return [sys.executable, "-P", "-m", module, *(os.fspath(word) for word in words)]


def mounted(fsname: str) -> list[str]:
    """The mountinfo lines of the filesystem with this name. Reading them cannot hang."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if line.partition(" - ")[2].split()[1] == fsname]


class Bell:
    """A socket that receives the messages to NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.bind(str(path))
        self._socket.settimeout(PATIENCE)

    def __enter__(self) -> "Bell":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def message(self) -> dict[str, str]:
        """The assignments of the next message."""
        lines = self._socket.recv(65536).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)


class Served:
    """One server, its mount, and the programs that use it."""

    def __init__(self, folder: Path, connections: Path, words: tuple[str, ...]) -> None:
        self.fsname = f"fakefs-test-{os.getpid()}-{next(NUMBERS)}"
        self.mnt = folder / "mnt"
        self.mnt.mkdir(parents=True)
        self.journal_path = folder / "journal"
        self.control = Control(folder / "control", timeout=PATIENCE)
        self._connections = connections
        self._abort: int | None = None
        self._programs: list[subprocess.Popen[str]] = []
        self.bell = Bell(folder / "bell")
        self.process = subprocess.Popen(
            command(
                "fakefs",
                self.mnt,
                "--fsname",
                self.fsname,
                "--journal",
                self.journal_path,
                "--control",
                self.control.path,
                *words,
            ),
            env=environment(NOTIFY_SOCKET=str(self.bell.path)),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.ready: dict[str, str] = {}

    def become_ready(self) -> None:
        self.ready = self.bell.message()
        assert "READY" in self.ready, self.ready
        self.take_abort()

    def take_abort(self) -> None:
        """Open the abort file of this server's connection, while the number certainly belongs to it."""
        (line,) = mounted(self.fsname)
        number = line.split()[2].partition(":")[2]
        self._abort = os.open(self._connections / number / "abort", os.O_WRONLY | os.O_CLOEXEC)

    def start(self, *argv: str | os.PathLike[str]) -> subprocess.Popen[str]:
        """Start a program that may get stuck. It has its own pipes, and ends with the server."""
        program = subprocess.Popen(
            [os.fspath(word) for word in argv],
            cwd="/",
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._programs.append(program)
        return program

    def python(self, code: str, *arguments: str | os.PathLike[str]) -> subprocess.Popen[str]:
        return self.start(sys.executable, "-c", f"import os, sys, threading\n{code}", *arguments)

    def finish(self, program: subprocess.Popen[str], say: str | None = None) -> str:
        """Wait for a program that must succeed.

        Returns:
            Its output.
        """
        out, err = program.communicate(say, timeout=PATIENCE)
        assert program.returncode == 0, (program.args, program.returncode, out, err)
        return out

    def run(self, *argv: str | os.PathLike[str]) -> str:
        return self.finish(self.start(*argv))

    def entries(self) -> tuple[journal.Entry, ...]:
        return journal.read(self.journal_path)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop the server by a signal.

        Returns:
            The exit status and the text on stderr.
        """
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err

    def end(self) -> None:
        """End the server cleanly if possible; otherwise abort the connection, and kill the server after that."""
        try:
            if self.process.poll() is None:
                self.process.terminate()
                self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self._abort is not None:
                _abort(self._abort)
            for process in (self.process, *self._programs):
                process.kill()
                process.communicate()
            self.bell.__exit__()
            for _ in mounted(self.fsname):
                subprocess.run(["umount", "-l", self.mnt], check=True)
        assert not mounted(self.fsname)


def _abort(descriptor: int) -> None:
    # An error such as ENOTCONN means that the connection has ended already.
    with suppress(OSError):
        os.write(descriptor, b"1")
    os.close(descriptor)


@pytest.fixture
def serve(tmp_path: Path, connections: Path) -> Iterator[Serve]:
    """Starts servers: serve(*words, ready=True)."""
    with ExitStack() as stack:
        numbers = count()

        def start(*words: str, ready: bool = True) -> Served:
            folder = tmp_path / f"server{next(numbers)}"
            folder.mkdir()
            served = Served(folder, connections, words)
            stack.callback(served.end)
            if ready:
                served.become_ready()
            return served

        yield start
