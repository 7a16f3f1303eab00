"""Files that a thread of the server or of a program holds open."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.live.fakefs.conftest import PATIENCE, Bell, Serve, command, environment


def descriptors(pid: int, tid: int) -> dict[int, str]:
    """The descriptor table of a thread: number -> target of the link in /proc."""
    folder = Path(f"/proc/{pid}/task/{tid}/fd")
    found = {}
    for name in os.listdir(folder):
        # The program may close a descriptor, such as that of the notification, after the listing.
        with suppress(FileNotFoundError):
            found[int(name)] = os.readlink(folder / name)
    return found


def test_the_server_holds_a_file_of_its_own_below_the_device(serve: Serve) -> None:
    served = serve("--hold", "/data/held", "--rule", "flush:hang")
    pid = served.process.pid
    path, _, tid = served.ready["X_FAKEFS_HOLD"].rpartition(" ")
    assert path == "/data/held"
    own, others = descriptors(pid, int(tid)), descriptors(pid, pid)
    assert own[0] == str(served.mnt / "data/held")
    assert min(number for number, what in own.items() if what == "/dev/fuse") > 0
    assert str(served.mnt / "data/held") not in others.values(), "the table is not private"
    operations = {entry.operation for entry in served.entries()}
    assert "open" in operations
    assert "flush" not in operations
    assert Path(f"/proc/{pid}/comm").read_text() == "fakefs\n"
    assert Path(f"/proc/{pid}/task/{tid}/comm").read_text() == "fakefs-hold\n"


def test_a_server_with_a_hold_ends_cleanly_although_flush_hangs(serve: Serve) -> None:
    served = serve("--hold", "/a", "--hold", "/b", "--rule", "flush:hang")
    assert served.stop() == (0, "")
    flushed = [entry.path for entry in served.entries() if entry.operation == "flush" and entry.event == "replied"]
    assert flushed == ["/a", "/b"]
    assert served.entries()[-1].operation == "destroy"


def test_the_server_ends_although_a_hold_never_got_its_file(serve: Serve) -> None:
    served = serve("--hold", "/f", "--rule", "open:hang", ready=False)
    while not os.path.exists(served.control.path):
        assert served.process.poll() is None
    served.control.wait("held", "open", timeout=PATIENCE)
    served.take_abort()
    assert served.stop()[0] == 0


def test_a_hold_that_fails_makes_the_start_fail(serve: Serve) -> None:
    served = serve("--hold", "/f", "--rule", "open:errno=EMFILE", ready=False)
    assert served.bell.message()["ERRNO"] == "24"
    _, err = served.process.communicate(timeout=PATIENCE)
    assert served.process.returncode == 2
    assert "--hold" in err


@pytest.mark.parametrize("words", [(), ("--mode", "rw", "--threads", "0"), ("--mode", "w", "--create")])
def test_the_holding_thread_of_the_program_sends_the_flush(
    serve: Serve, tmp_path: Path, words: tuple[str, ...]
) -> None:
    served = serve("--file", "/f")
    name = "new" if "--create" in words else "f"
    with Bell(tmp_path / "hold-bell") as bell:
        program = served.start("env", f"NOTIFY_SOCKET={bell.path}", *command("fakefs.hold", *words, served.mnt / name))
        message = bell.message()
    assert message["READY"] == "1"
    tid = int(message["X_FAKEFS_HOLD"].rpartition(" ")[2])
    assert tid != program.pid
    assert descriptors(program.pid, tid)[0] == str(served.mnt / name)
    assert str(served.mnt / name) not in descriptors(program.pid, program.pid).values()
    idle = 0 if "--threads" in words else 2
    assert len(os.listdir(f"/proc/{program.pid}/task")) == 2 + idle
    since = served.entries()[-1].time + 1
    program.send_signal(signal.SIGKILL)
    assert program.wait(PATIENCE) == -signal.SIGKILL
    (flushed,) = served.control.wait("replied", "flush", since=since, timeout=PATIENCE)
    assert flushed.caller is not None
    assert (flushed.path, flushed.caller.tid) == (f"/{name}", tid)


def test_the_program_reports_a_file_that_it_cannot_hold(serve: Serve) -> None:
    served = serve()
    program = served.start(*command("fakefs.hold", served.mnt / "none"))
    _, err = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert "No such file" in err
    for words in ([], ["--mode", "x", "f"], ["--threads", "many", "f"], ["--colour", "f"]):
        program = served.start(*command("fakefs.hold", *words))
        _, err = program.communicate(timeout=PATIENCE)
        assert (program.returncode, "usage:" in err) == (2, True)
    assert "usage:" in served.run(*command("fakefs.hold", "--help"))
    assert environment()["PYTHONPATH"]
