"""Hostile files, names, limits and outputs: fakefs gives a message and the documented status, and leaves nothing."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from fakefs.client import Control
from fakefs.errors import ControlError
from fakefs.parse import MAX_POLICY
from tests.live.fakefs.conftest import PATIENCE, Serve, command, environment, mounted, require_machine

NAME = "fakefs-test-hostile"


@pytest.fixture(autouse=True, scope="module")
def machine() -> None:
    """Once: none of this depends on the binding."""
    require_machine()


def start(folder: Path, *words: str | os.PathLike[str], **more: object) -> subprocess.CompletedProcess[str]:
    (folder / "mnt").mkdir(exist_ok=True)
    argv = command("fakefs", folder / "mnt", "--fsname", NAME, *words)
    settings: dict[str, object] = {
        "env": environment(),
        "capture_output": True,
        "text": True,
        "timeout": PATIENCE,
        **more,
    }
    done: subprocess.CompletedProcess[str] = subprocess.run(argv, check=False, **settings)  # type: ignore[call-overload]
    assert "Traceback" not in (done.stderr or "")
    assert not mounted(NAME)
    return done


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def latin(path: Path) -> None:
    path.write_bytes("[[rule]] # für".encode("latin-1"))


def large(path: Path) -> None:
    path.write_text("#" * (MAX_POLICY + 1))


def deep(path: Path) -> None:
    path.write_text("a = " + "[" * 10_000)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (a_fifo, "is not a regular file"),
        (zeros, "is not a regular file"),
        (a_socket, "--policy: "),
        (Path.mkdir, "is not a regular file"),
        (latin, "is not UTF-8"),
        (large, f"is larger than {MAX_POLICY} bytes"),
        (deep, "nested too deeply"),
    ],
)
def test_a_policy_that_is_not_a_text_file_is_refused(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    make(tmp_path / "policy")
    done = start(tmp_path, "--policy", tmp_path / "policy")
    assert done.returncode == 2
    assert says in done.stderr


def test_a_journal_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "journal")
    done = start(tmp_path, "--journal", tmp_path / "journal")
    assert done.returncode == 2
    assert "--journal:" in done.stderr


@pytest.mark.parametrize("module", ["fakefs", "fakefs.ctl", "fakefs.hold", "fakefs.act"])
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_help_that_cannot_be_written_is_an_error(module: str, redirection: str) -> None:
    argv = ["sh", "-c", f'exec "$@" {redirection}', "sh", *command(module, "--help")]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{module}: stdout: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_goes_away_is_an_error() -> None:
    program = subprocess.Popen(
        command("fakefs", "--help"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    program.stdout.close()
    assert program.stderr is not None
    assert program.stderr.read() == "fakefs: stdout: Broken pipe\n"
    assert program.wait(PATIENCE) == 2
    program.stderr.close()


def test_errors_reach_no_stdout_where_there_is_no_stderr(tmp_path: Path) -> None:
    argv = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command("fakefs.ctl", tmp_path / "none", "status")]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_an_ascii_locale_shows_every_name(serve: Serve) -> None:
    served = serve("--rule", "getattr@/*b:hang")
    name = os.fsencode(served.mnt) + b"/\xff\x1b[2J\xc2\x85\xe2\x80\xae\xc3\xa9b"
    program = served.start("sh", "-c", 'test -e "$1"', "sh", os.fsdecode(name))
    served.control.wait("held", "getattr", timeout=PATIENCE)
    for changes in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        argv = command("fakefs.ctl", served.control.path, "status")
        done = subprocess.run(argv, env=environment(**changes), capture_output=True, timeout=PATIENCE, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"getattr /\\xff\\x1b[2J\\x85\\u202e\\xe9b  by sh" in done.stdout
    served.control.release()
    program.wait(PATIENCE)


@pytest.mark.parametrize("limit", [4, 5, 6, 7, 8, 10])
def test_few_descriptors(serve: Serve, limit: int) -> None:
    """The server either refuses to start, or it serves and ends without leaving its mount."""
    served = serve()
    served.stop()
    words = command("fakefs", served.mnt, "--fsname", served.fsname, "--file", "/f=hello")
    served.process = subprocess.Popen(
        ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *words],
        env=environment(NOTIFY_SOCKET=str(served.bell.path)),
        stderr=subprocess.PIPE,
        text=True,
    )
    while served.process.poll() is None and not mounted(served.fsname):
        time.sleep(0.01)
    status, err = served.stop() if served.process.poll() is None else (served.process.wait(), "refused")
    # The interpreter does not come up with 4, and ends with a status of its own.
    assert status in ((0, 1, 2) if limit == 4 else (0, 2)), err
    assert (status == 0) == (err == "")
    assert not mounted(served.fsname)


@pytest.mark.parametrize(
    "answer", [b"", b"hello\n", b"[]\n", b"{}\n", b'{"ok": false}\n', b"[" * 100_000 + b"\n", b"\xff\n"]
)
def test_a_listener_that_is_not_fakefs(tmp_path: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()

        def serve_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        thread = Thread(target=serve_once)
        thread.start()
        with pytest.raises(ControlError):
            Control(tmp_path / "socket").status()
        thread.join(PATIENCE)


def test_a_request_too_long_or_too_deep_is_refused_and_the_next_one_answered(serve: Serve) -> None:
    served = serve()
    for line in (b'{"command": "' + b"x" * (1 << 20) + b'"}\n', b"[" * 100_000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(served.control.path)
            client.sendall(line)
            assert b'"ok": false' in client.makefile("rb").readline()
    assert served.control.status().held == ()
    assert served.stop() == (0, "")


def test_a_tree_deeper_than_any_recursion_is_copied_in(serve: Serve, tmp_path: Path) -> None:
    depth = 1200
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    try:
        served = serve("--from", str(tmp_path / "d"), "--file", "/f")
        assert served.run("find", served.mnt, "-name", "d").count("\n") == depth - 1
    finally:
        # rm does without recursion; pytest's own removal does not.
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)


def test_a_defect_is_reported_with_a_status_of_its_own(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from fakefs import __main__\n"
        "def parse(_): raise KeyError('no such thing')\n"
        "__main__.parse = parse\n"
        "sys.exit(__main__.main(['--help']))\n"
    )
    argv = [sys.executable, "-P", "-c", code]
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "KeyError: 'no such thing'" in done.stderr
    assert "this is a defect of fakefs" in done.stderr
