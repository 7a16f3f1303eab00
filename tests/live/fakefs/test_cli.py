"""The commands of fakefs, as people and scripts use them."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from fakefs.client import Control
from fakefs.errors import ControlError
from tests.live.fakefs.conftest import PATIENCE, Bell, Serve, command, environment, mounted


def refused(tmp_path: Path, *words: str, **env: str) -> list[str]:
    """The lines on stderr of a start that must be refused."""
    done = subprocess.run(
        command("fakefs", *words, "--fsname", "fakefs-test-refused"),
        cwd=tmp_path,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert not mounted("fakefs-test-refused")
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


@pytest.fixture
def mnt(tmp_path: Path) -> str:
    (tmp_path / "mnt").mkdir()
    return str(tmp_path / "mnt")


def test_a_bad_policy_is_refused_with_all_that_is_wrong(tmp_path: Path, mnt: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\noperations = "opn"\nfault = "hang"\n\n[[rule]]\noperations = "flush"\nfault = "die"\n')
    with Bell(tmp_path / "bell") as bell:
        lines = refused(
            tmp_path,
            mnt,
            *("--rule", "flsh:hang", "--rule", "flush:errno=EIOO,times=0", "--rule", "flush:hang"),
            *("--policy", str(policy)),
            NOTIFY_SOCKET=str(bell.path),
        )
        assert "unknown operation 'flsh'" in bell.message()["STATUS"]
    assert lines == [
        "fakefs: --rule #1: operations: unknown operation 'flsh'; did you mean 'flush'?",
        "fakefs: --rule #2: argument: unknown errno 'EIOO'; did you mean 'EIO'?",
        "fakefs: --rule #2: times: 0 is less than 1: the rule would never fire; leave it out",
        f"fakefs: {policy}:2: operations: unknown operation 'opn'; did you mean 'open'?",
        f"fakefs: {policy}:5: operations: never fires: --rule #3 always fires before it",
    ]


def test_a_bad_command_line_is_refused_with_all_that_is_wrong(tmp_path: Path) -> None:
    lines = refused(tmp_path, "--rul", "a", "--file", "x", "--hold", "/a/../b", "-o", "a,b", "--journal")
    text = "\n".join(lines)
    for words in (
        "unknown option --rul; did you mean '--rule'",
        "--file: 'x' is not a path",
        "--hold: '/a/../b'",
        "'a,b'",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none"], "No such file or directory; create it: mkdir"),
        (["full"], "is not empty; choose an empty directory"),
        (["full/file"], "is not a directory"),
        (["mnt", "--journal", "none/j"], "--journal:"),
        (["mnt", "--control", "none/c"], "--control none/c: No such file"),
        (["mnt", "--from", "none"], "cannot fill the tree"),
        (["mnt", "--policy", "none"], "--policy:"),
        (["mnt", "-o", "no_such_option"], "cannot mount at"),
    ],
)
def test_an_obstacle_of_the_machine_is_reported(tmp_path: Path, mnt: str, words: list[str], says: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with Bell(tmp_path / "bell") as bell:
        assert says in "\n".join(refused(tmp_path, *words, NOTIFY_SOCKET=str(bell.path)))
        assert "ERRNO" in bell.message()
    assert mnt


def test_a_missing_libfuse_names_the_package(tmp_path: Path, mnt: str) -> None:
    (line,) = refused(tmp_path, mnt, FUSE_LIBRARY_PATH="libnone.so.2")
    assert "libnone.so.2" in line
    assert "; install package libfuse" in line


def test_help_and_lists(tmp_path: Path) -> None:
    def shown(word: str) -> str:
        argv = command("fakefs", word)
        return subprocess.run(argv, env=environment(), capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    assert "Examples" in shown("--help")
    assert [line.split()[0] for line in shown("--list-faults").splitlines()] == [
        "delay=SECONDS",
        "die",
        "errno=ERRNO",
        "hang",
        "nest=PATH",
        "noop",
    ]
    assert "flush" in shown("--list-operations")


def test_the_control_command(serve: Serve) -> None:
    served = serve("--file", "/f=hello")

    def ctl(*words: str) -> subprocess.CompletedProcess[str]:
        argv = command("fakefs.ctl", served.control.path, *words)
        return subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert ctl("set", "flush@/f:hang").stdout == "the rules are in force\n"
    program = served.start("cat", served.mnt / "f")
    seen = json.loads(ctl("--json", "wait", "--event=held", "--operation", "flush").stdout)
    assert (seen[0]["event"], seen[0]["path"]) == ("held", "/f")
    status = ctl("status").stdout
    assert "1 held" in status
    assert "flush /f  by cat" in status
    assert "flush@/f:hang  matched 1, fired 1" in status
    assert json.loads(ctl("status", "--json").stdout)["held"][0]["id"] == seen[0]["seq"]
    assert ctl("release", str(seen[0]["seq"]), "--errno", "EIO").stdout == f"released {seen[0]['seq']}\n"
    program.communicate(timeout=PATIENCE)
    assert "= -5" in ctl("wait", "--event", "replied", "--operation", "flush").stdout
    assert ctl("release").stdout == "released nothing: no request is held\n"
    assert ctl("clear").returncode == 0
    late = ctl("wait", "--event", "died", "--timeout", "0.01")
    assert (late.returncode, late.stdout) == (1, "")
    assert "saw 0 of 1" in late.stderr
    bad = ctl("set", "flsh:hang")
    assert bad.returncode == 1
    assert "did you mean 'flush'" in bad.stderr
    for words in (
        ["statsu"],
        [],
        ["release", "x"],
        ["status", "x"],
        ["status", "--errno", "5"],
        ["release", "--errno=E"],
    ):
        assert ctl(*words).returncode == 2
    assert ctl("shutdown").stdout == "the server exits\n"
    assert served.process.wait(PATIENCE) == 0
    assert "is the server running?" in ctl("status").stderr


def test_a_control_path_longer_than_a_socket_address(serve: Serve, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    served = serve("--file", "/f")
    served.stop()
    long = Control(deep / "control")
    process = subprocess.Popen(
        command("fakefs", served.mnt, "--control", long.path, "--fsname", served.fsname),
        env=environment(NOTIFY_SOCKET=str(served.bell.path)),
    )
    served.process = process  # type: ignore[assignment]
    assert "READY" in served.bell.message()
    assert long.status().held == ()
    long.shutdown()
    assert process.wait(PATIENCE) == 0
    assert os.listdir(deep) == []
    with pytest.raises(ControlError, match="is the server running"):
        long.status()


def test_a_control_socket_in_use_is_not_taken_and_a_dead_one_is(serve: Serve, tmp_path: Path, mnt: str) -> None:
    served = serve()
    assert "Address already in use" in "\n".join(refused(tmp_path, mnt, "--control", served.control.path))
    assert served.control.status().held == ()
    dead = tmp_path / "dead"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(dead))
    second = serve("--control", str(dead), ready=False)
    _, err = second.process.communicate(timeout=PATIENCE)
    assert "--control: is given twice" in err


def test_standard_descriptors_may_be_closed(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    served.stop()
    words = command("fakefs", served.mnt, "--fsname", served.fsname, "--hold", "/h")
    argv = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *words]
    served.process = subprocess.Popen(  # type: ignore[assignment]
        argv, env=environment(NOTIFY_SOCKET=str(served.bell.path)), cwd=tmp_path
    )
    assert "X_FAKEFS_HOLD" in served.bell.message()
    served.process.terminate()
    assert served.process.wait(PATIENCE) == 0


def test_two_servers_at_once(serve: Serve) -> None:
    first, second = serve("--file", "/f=1", "--rule", "read:hang"), serve("--file", "/f=2")
    program = first.start("cat", first.mnt / "f")
    first.control.wait("held", "read", timeout=PATIENCE)
    assert (second.mnt / "f").read_text() == "2"
    assert first.stop() == (0, "")
    # Its close() may happen after the end of the connection.
    assert program.communicate(timeout=PATIENCE)[0] == "1"


def test_in_a_pid_namespace_without_its_proc(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    served.stop()
    inside = ("unshare", "--pid", "--fork", "--kill-child", *command("fakefs", served.mnt, "--fsname", served.fsname))
    rule = ("--rule", "open:errno=EIO,comm=cat", "--rule", "open:hang,pid_ns=3,comm=x")
    done = subprocess.run(
        [*inside, *rule], env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert [line.split(": ")[1:3] for line in done.stderr.splitlines()] == [["rule #1", "comm"], ["rule #2", "comm"]]
    served.process = subprocess.Popen(
        [*inside, "--hold", "/held", "--control", served.control.path],
        env=environment(NOTIFY_SOCKET=str(served.bell.path)),
        cwd=tmp_path,
        text=True,
    )
    assert "X_FAKEFS_HOLD" in served.bell.message()
    served.control.set(["open@/f:hang"])
    served.control.shutdown()
    assert served.process.wait(PATIENCE) == 0
