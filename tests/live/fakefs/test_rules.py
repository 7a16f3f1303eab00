"""Faults and rules on a real mount: when they fire, and that the control socket answers meanwhile."""

import errno
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from fakefs.errors import ControlError, ControlTimeoutError
from tests.live.fakefs.conftest import PATIENCE, Serve

#: A program that writes a file and prints the result of each step.
STEPS = """
def tried(name, *arguments):
    try:
        return getattr(os, name)(*arguments)
    except OSError as error:
        return -error.errno
"""


def test_nothing_misbehaves_without_a_rule(serve: Serve) -> None:
    served = serve("--file", "/f=hello")
    assert (served.mnt / "f").read_text() == "hello"
    (served.mnt / "g").write_text("x")
    assert sorted(os.listdir(served.mnt)) == ["f", "g"]
    status = served.control.status()
    assert status.held == ()
    assert status.rules == ()
    assert status.totals["write"] == 1


def test_hang_answers_when_released(serve: Serve) -> None:
    served = serve("--file", "/f", "--rule", "flush@/f:hang")
    program = served.start("cat", served.mnt / "f")
    (held,) = served.control.wait("held", "flush", timeout=PATIENCE)
    (waiting,) = served.control.status().held
    assert (waiting.id, waiting.tid, waiting.comm, waiting.rule) == (held.seq, program.pid, "cat", 0)
    assert waiting.pid_ns == os.stat("/proc/self/ns/pid").st_ino
    assert program.poll() is None
    assert served.control.release(held.seq) == (held.seq,)
    served.finish(program)
    events = [entry.event for entry in served.entries() if entry.seq == held.seq]
    assert events == ["called", "held", "released", "replied"]


def test_a_release_may_fail_the_request(serve: Serve) -> None:
    served = serve("--file", "/f", "--rule", "open:hang")
    program = served.start("cat", served.mnt / "f")
    served.control.wait("held", "open", timeout=PATIENCE)
    assert len(served.control.release(None, errno.ENOSPC)) == 1
    _, err = program.communicate(timeout=PATIENCE)
    assert os.strerror(errno.ENOSPC) in err
    (replied,) = served.control.wait("replied", "open")
    assert replied.result == -errno.ENOSPC


def test_delay_answers_late(serve: Serve) -> None:
    served = serve("--file", "/f=hello", "--rule", "read:delay=0.3")
    assert served.run("cat", served.mnt / "f") == "hello"
    called, held, released, replied = (entry for entry in served.entries() if entry.operation == "read")
    assert [one.event for one in (called, held, released, replied)] == ["called", "held", "released", "replied"]
    assert released.time - held.time >= 300_000_000


def test_a_delay_can_be_cut_short(serve: Serve) -> None:
    served = serve("--file", "/f=hello", "--rule", "read:delay=3600")
    program = served.start("cat", served.mnt / "f")
    served.control.wait("held", "read", timeout=PATIENCE)
    served.control.release()
    assert served.finish(program) == "hello"


def test_errno_fires_before_or_after_the_real_operation(serve: Serve) -> None:
    served = serve("--rule", "mkdir@/before:errno=EDQUOT", "--rule", "mkdir@/after:errno=EDQUOT,when=after")
    for name, there in (("before", False), ("after", True)):
        with pytest.raises(OSError, match="quota") as caught:
            os.mkdir(served.mnt / name)
        assert caught.value.errno == errno.EDQUOT
        assert (served.mnt / name).exists() is there


def test_an_open_that_fails_afterwards_leaves_no_handle(serve: Serve) -> None:
    served = serve("--file", "/f=hello", "--rule", "open+opendir+create:errno=EIO,when=after")
    for _ in range(3):
        for flags, name in ((os.O_RDONLY, "f"), (os.O_RDONLY | os.O_DIRECTORY, "."), (os.O_CREAT | os.O_WRONLY, "n")):
            with pytest.raises(OSError, match="Input/output"):
                os.open(served.mnt / name, flags)
    served.control.clear()
    assert (served.mnt / "f").read_text() == "hello"


def test_die_kills_the_server_with_the_request_open(serve: Serve) -> None:
    served = serve("--file", "/f", "--rule", "unlink@/f:die")
    program = served.start("rm", served.mnt / "f")
    _, err = program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    assert os.strerror(errno.ECONNABORTED) in err
    assert served.process.wait(PATIENCE) == -signal.SIGKILL
    last = served.entries()[-1]
    assert (last.event, last.operation, last.path, last.spec) == ("died", "unlink", "/f", "unlink@/f:die")


def test_noop_answers_success_and_does_nothing(serve: Serve) -> None:
    served = serve("--file", "/f=hello")
    served.control.set(["write+unlink+truncate+chmod+rename:noop"])
    descriptor = os.open(served.mnt / "f", os.O_WRONLY)
    assert os.write(descriptor, b"HELLO, world") == 12
    os.close(descriptor)
    os.chmod(served.mnt / "f", 0o600)
    os.truncate(served.mnt / "f", 1)
    os.unlink(served.mnt / "f")
    os.rename(served.mnt / "f", served.mnt / "g")
    served.control.clear()
    assert os.listdir(served.mnt) == ["f"]
    assert (served.mnt / "f").read_text() == "hello"
    assert (served.mnt / "f").stat().st_mode & 0o777 == 0o644


def test_the_kernel_accepts_every_reply_of_noop(serve: Serve) -> None:
    served = serve("--file", "/f=hello", "--file", "/d/x")
    os.symlink("f", served.mnt / "l")
    names = [name for name in served.control.status().totals if name not in ("init", "getattr")]
    assert names
    served.control.set(["any:noop,when=before"])
    code = STEPS + (
        "m = sys.argv[1]\n"
        "print(tried('stat', m + '/none').st_size, tried('statvfs', m).f_blocks, tried('readlink', m + '/l'))\n"
        "fd = tried('open', m + '/f', os.O_RDWR)\n"
        "print(tried('read', fd, 9), tried('write', fd, b'123'), tried('fsync', fd), tried('close', fd))\n"
        "print(tried('listxattr', m + '/f'), tried('getxattr', m + '/f', 'user.a'))\n"
        "print(tried('setxattr', m + '/f', 'user.a', b'1'), tried('removexattr', m + '/f', 'user.a'))\n"
        "print(tried('access', m + '/f', 4), tried('utime', m + '/f'), tried('chmod', m + '/f', 0o600))\n"
        "print(tried('listdir', m))\n"
    )
    lines = served.finish(served.python(code, served.mnt)).splitlines()
    assert lines[0].startswith("0 0 ")
    assert lines[1:] == ["b'' 3 None None", "[] b''", "None None", "True None None", "[]"]


def test_nth_and_times_and_the_first_rule_that_fires(serve: Serve) -> None:
    served = serve("--file", "/a", "--file", "/b")
    served.control.set(["open@/a:errno=EIO,nth=2,times=2", "open@/a:errno=EACCES,nth=4", "open:errno=EBUSY,nth=3"])
    seen = []
    for name in "aaaaaab":
        try:
            os.close(os.open(served.mnt / name, os.O_RDONLY))
            seen.append("ok")
        except OSError as error:
            seen.append(errno.errorcode[error.errno or 0])
    assert seen == ["ok", "EIO", "EIO", "ok", "EBUSY", "EACCES", "EBUSY"]
    assert [(one.matched, one.fired) for one in served.control.status().rules] == [(6, 2), (4, 1), (4, 2)]


def test_a_rule_for_one_thread(serve: Serve) -> None:
    served = serve("--file", "/f")
    code = STEPS + (
        "print(threading.get_native_id(), flush=True)\n"
        "sys.stdin.readline()\n"
        "print(tried('stat', sys.argv[1]), flush=True)\n"
        "other = threading.Thread(target=lambda: print(tried('stat', sys.argv[1]).st_size))\n"
        "other.start(); other.join()\n"
    )
    program = served.python(code, served.mnt / "f")
    assert program.stdout is not None
    tid = int(program.stdout.readline())
    served.control.set([f"getattr@/f:errno=EIO,tid={tid}"])
    assert served.finish(program, "go\n").split() == ["-5", "0"]


def test_a_rule_for_a_name(serve: Serve) -> None:
    served = serve("--file", "/f=hello", "--rule", "open:errno=EIO,comm=ca?")
    assert served.run("head", served.mnt / "f") == "hello"
    program = served.start("cat", served.mnt / "f")
    program.communicate(timeout=PATIENCE)
    assert program.returncode == 1
    callers = {entry.caller.comm for entry in served.entries() if entry.operation == "open" and entry.caller}
    assert callers == {"head", "cat"}


def test_a_rule_for_a_pid_namespace(serve: Serve) -> None:
    served = serve("--file", "/f")
    code = STEPS + (
        "print(os.readlink('/proc/self/ns/pid')[5:-1], flush=True)\nsys.stdin.readline()\n"
        "print(tried('open', sys.argv[1], 0))\n"
    )
    inside = served.start(
        "unshare", "--pid", "--fork", "--kill-child", "python3", "-c", "import os, sys\n" + code, served.mnt / "f"
    )
    assert inside.stdout is not None
    number = inside.stdout.readline().strip()
    assert number
    served.control.set([f"open:errno=EIO,pid_ns={number}"])
    assert served.finish(inside, "go\n").strip() == "-5"
    assert (served.mnt / "f").read_text() == ""
    (called,) = served.control.wait("replied", "open", count=1)
    assert called.caller is not None
    assert called.caller.pid_ns == int(number)


def test_the_journal_has_every_step_of_a_request(serve: Serve) -> None:
    served = serve("--file", "/f=hello", "--rule", "read:errno=EIO,nth=2")
    with (served.mnt / "f").open("rb", buffering=0) as file:
        assert file.read(10) == b"hello"
    os.rename(served.mnt / "f", served.mnt / "g")
    served.control.wait("replied", "release", timeout=PATIENCE)
    entries = served.entries()
    assert [entry.seq for entry in entries if entry.event == "called"] == sorted({entry.seq for entry in entries})
    assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)
    for seq in {entry.seq for entry in entries}:
        assert [entry.event for entry in entries if entry.seq == seq] == ["called", "replied"]
    (opened,) = (entry for entry in entries if entry.operation == "open" and entry.event == "replied")
    assert opened.caller is not None
    assert (opened.path, opened.result, opened.caller.tid) == ("/f", 0, os.getpid())
    assert opened.caller.comm is None, "read without need"
    (released,) = (entry for entry in entries if entry.operation == "release" and entry.event == "replied")
    assert released.caller is None
    (renamed,) = (entry for entry in entries if entry.operation == "rename" and entry.event == "replied")
    assert (renamed.path, renamed.other) == ("/f", "/g")
    failed = {entry.result for entry in entries if entry.operation == "getattr" and entry.path == "/g"}
    assert failed >= {-errno.ENOENT}


def test_64_held_requests_stop_neither_the_65th_nor_the_control(serve: Serve) -> None:
    files = [word for number in range(64) for word in ("--file", f"/held{number}=x")]
    served = serve(*files, "--file", "/free=hello", "--rule", "open@/held*:hang")
    code = (
        "def go(n): os.close(os.open(f'{sys.argv[1]}/held{n}', os.O_RDONLY))\n"
        "threads = [threading.Thread(target=go, args=(n,)) for n in range(64)]\n"
        "[one.start() for one in threads]; [one.join() for one in threads]\n"
    )
    program = served.python(code, served.mnt)
    held = served.control.wait("held", "open", count=64, timeout=PATIENCE)
    assert {entry.path for entry in held} == {f"/held{number}" for number in range(64)}
    assert served.run("cat", served.mnt / "free") == "hello"
    assert len(served.control.status().held) == 64
    served.control.set(["open@/held*:hang", "open@/free:errno=EIO"])
    assert served.start("cat", served.mnt / "free").wait(PATIENCE) == 1
    assert served.control.release(held[0].seq) == (held[0].seq,)
    assert len(served.control.status().held) == 63
    assert len(served.control.release()) == 63
    served.finish(program)


def test_64_held_reads_stop_no_other_read(serve: Serve) -> None:
    files = [word for number in range(64) for word in ("--file", f"/held{number}=x")]
    served = serve(*files, "--file", "/free=hello", "--rule", "read@/held*:hang")
    code = (
        "def go(n): os.read(os.open(f'{sys.argv[1]}/held{n}', os.O_RDONLY), 1)\n"
        "threads = [threading.Thread(target=go, args=(n,)) for n in range(64)]\n"
        "[one.start() for one in threads]; [one.join() for one in threads]\n"
    )
    program = served.python(code, served.mnt)
    served.control.wait("held", "read", count=64, timeout=PATIENCE)
    assert served.run("cat", served.mnt / "free") == "hello"
    assert len(served.control.release()) == 64
    served.finish(program)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_server_cleanly_with_held_requests(serve: Serve, number: int) -> None:
    served = serve("--file", "/f=hello", "--file", "/g", "--rule", "read:hang", "--rule", "open@/g:delay=3600")
    programs = [served.start("cat", served.mnt / "f"), served.start("cat", served.mnt / "g")]
    served.control.wait("held", count=2, timeout=PATIENCE)
    assert served.stop(number) == (0, "")
    for program in programs:
        program.communicate(timeout=PATIENCE)
    assert not os.path.exists(served.control.path)
    assert served.entries()[-1].operation == "destroy"


def test_shutdown_by_control_with_an_open_file(serve: Serve) -> None:
    served = serve("--file", "/f=hello")
    program = served.python(
        "fd = os.open(sys.argv[1], 0); print('open', flush=True); sys.stdin.read()", served.mnt / "f"
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "open\n"
    served.control.shutdown()
    assert served.process.wait(PATIENCE) == 0


def test_a_held_init_delays_the_mount_and_control_answers(serve: Serve) -> None:
    served = serve("--rule", "init:hang", "--file", "/f=hello", ready=False)
    deadline = time.monotonic() + PATIENCE
    while True:
        # The socket's file exists for a moment before the server listens.
        with suppress(ControlError):
            served.control.status()
            break
        assert served.process.poll() is None
        assert time.monotonic() < deadline
    (held,) = served.control.wait("held", "init", timeout=PATIENCE)
    served.take_abort()
    assert held.caller is None
    served.control.release()
    assert "READY" in served.bell.message()
    assert (served.mnt / "f").read_text() == "hello"


def test_control_refuses_bad_rules_and_keeps_the_old_ones(serve: Serve) -> None:
    served = serve("--rule", "unlink:errno=EPERM")
    with pytest.raises(ControlError) as caught:
        served.control.set(["flsh:hang", "flush:hang,times=0"])
    assert "rule #1: operations: unknown operation 'flsh'" in str(caught.value)
    assert "rule #2: times: 0 is less than 1" in str(caught.value)
    assert [rule.spec for rule in served.control.status().rules] == ["unlink:errno=EPERM"]


def test_control_wait_fails_at_its_timeout(serve: Serve) -> None:
    served = serve()
    with pytest.raises(ControlTimeoutError, match=r"saw 0 of 1 in 0\.01 s"):
        served.control.wait("held", timeout=0.01)
    with pytest.raises(ControlError, match="unknown event 'hold'"):
        served.control.wait("hold")


def test_waiting_does_not_stop_other_control_requests(serve: Serve, tmp_path: Path) -> None:
    served = serve("--file", "/f")
    waits = [
        served.start("python3", "-m", "fakefs.ctl", served.control.path, "wait", "--path", "/new", "--timeout", "15")
        for _ in range(8)
    ]
    assert served.control.status().held == ()
    (served.mnt / "new").touch()
    for one in waits:
        assert "/new" in served.finish(one)
    assert tmp_path.exists()
