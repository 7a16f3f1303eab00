"""The two bindings to libfuse: how one is chosen, and that fakefs behaves the same with both."""

import ctypes
import errno
import fcntl
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from fakefs import binding
from fakefs.journal import read
from tests.live.fakefs.conftest import PATIENCE, Serve, command, environment, mounted

#: Flags of renameat2(2).
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2

OTHER = {"fusepy": "mfusepy", "mfusepy": "fusepy"}


def version(**env: str) -> subprocess.CompletedProcess[str]:
    argv = command("fakefs", "--version")
    return subprocess.run(argv, env=environment(**env), capture_output=True, text=True, check=False)


def forced() -> str:
    return os.environ[binding.VARIABLE]


def test_version_names_the_binding_and_its_libfuse() -> None:
    shown = version().stdout.splitlines()
    assert shown[0].startswith("fakefs ")
    name = forced()
    assert shown[1].startswith(f"{name} ")
    assert f", libfuse {binding.KINDS[name].major}." in shown[1]


def test_an_unknown_binding_is_refused() -> None:
    done = version(**{binding.VARIABLE: "fuse"})
    assert done.returncode == 2
    assert done.stderr == "fakefs: FAKEFS_FUSE=fuse: unknown binding; choose fusepy or mfusepy\n"


def test_a_binding_refuses_the_library_of_the_other() -> None:
    library = binding.load().library
    done = version(**{binding.VARIABLE: OTHER[forced()], binding.LIBRARY: library})
    assert done.returncode == 2
    assert f"{library}: is libfuse {binding.KINDS[forced()].major}; install" in done.stderr


def test_a_library_chooses_its_binding() -> None:
    done = version(**{binding.VARIABLE: "", binding.LIBRARY: binding.load().library})
    assert done.stdout.splitlines()[1].startswith(f"{forced()} ")


def test_a_missing_library_makes_way_for_the_other_binding() -> None:
    """As on a machine without libfuse 2."""
    code = (
        "from dataclasses import replace\n"
        "from fakefs import binding\n"
        "for name in binding.KINDS:\n"
        f"    if name != {forced()!r}:\n"
        "        binding.KINDS[name] = replace(binding.KINDS[name], sonames=('libnone.so.1',))\n"
        "print(binding.load().kind.name)\n"
    )
    argv = [command("fakefs")[0], "-P", "-c", code]
    env = environment(**{binding.VARIABLE: ""})
    assert subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout == f"{forced()}\n"


def test_many_requests_can_be_held(serve: Serve) -> None:
    """More than the ten threads to which libfuse 3 keeps a server by default."""
    served = serve("--file", "/f", "--file", "/free=text", "--rule", "open@/f:hang")
    programs = [served.start("cat", served.mnt / "f") for _ in range(30)]
    served.control.wait("held", "open", count=len(programs), timeout=PATIENCE)
    assert served.run("cat", served.mnt / "free") == "text"
    assert len(served.control.release()) == len(programs)
    for program in programs:
        served.finish(program)


@pytest.mark.parametrize(("target", "flags"), [("new", RENAME_NOREPLACE), ("b", RENAME_EXCHANGE)])
def test_a_rename_with_flags_is_refused(serve: Serve, target: str, flags: int) -> None:
    served = serve("--file", "/a=1", "--file", "/b=2")
    libc = ctypes.CDLL(None, use_errno=True)
    names = [os.fsencode(served.mnt / name) for name in ("a", target)]
    assert libc.renameat2(-100, names[0], -100, names[1], flags) == -1
    assert ctypes.get_errno() == errno.EINVAL
    assert ((served.mnt / "a").read_text(), (served.mnt / "b").read_text()) == ("1", "2")


def test_an_open_file_is_truncated_by_its_handle(serve: Serve) -> None:
    served = serve()
    descriptor = os.open(served.mnt / "f", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"12345678")
    os.unlink(served.mnt / "f")
    (hidden,) = os.listdir(served.mnt)
    os.unlink(served.mnt / hidden)
    os.ftruncate(descriptor, 3)
    assert os.fstat(descriptor).st_size == 3
    assert os.pread(descriptor, 10, 0) == b"123"
    os.close(descriptor)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_single_threaded_server_cleanly(serve: Serve, number: int) -> None:
    served = serve()
    served.stop()
    served.process = subprocess.Popen(
        command("fakefs", served.mnt, "--fsname", served.fsname, "--single-thread", "--file", "/f=hello"),
        env=environment(NOTIFY_SOCKET=str(served.bell.path)),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "READY" in served.bell.message()
    assert (served.mnt / "f").read_text() == "hello"
    assert served.stop(number) == (0, "")
    assert not mounted(served.fsname)


def test_a_relative_control_socket_is_removed(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    served.stop()
    served.process = subprocess.Popen(
        command("fakefs", served.mnt, "--fsname", served.fsname, "--control", "socket"),
        env=environment(NOTIFY_SOCKET=str(served.bell.path)),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "READY" in served.bell.message()
    assert (tmp_path / "socket").is_socket()
    assert served.stop() == (0, "")
    assert not (tmp_path / "socket").exists()


@pytest.mark.parametrize(
    "option", ["nonempty", "big_writes", "use_ino", "max_write=4096", "sync_read", "attr_timeout=1"]
)
def test_an_option_of_libfuse_2_is_accepted(serve: Serve, option: str) -> None:
    served = serve("-o", option, "--file", "/f=hello")
    (served.mnt / "g").write_bytes(b"x" * 8192)
    assert (served.mnt / "f").read_text() == "hello"
    served.control.wait("replied", "release", "/g", timeout=PATIENCE)
    writes = [entry for entry in served.entries() if (entry.event, entry.operation) == ("called", "write")]
    assert len(writes) == (2 if option == "max_write=4096" else 1)


def test_an_option_with_a_wrong_number_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    argv = command("fakefs", tmp_path / "mnt", "-o", "max_background=many", "--fsname", "fakefs-test-refused")
    done = subprocess.run(argv, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not mounted("fakefs-test-refused")


def use(mnt: Path) -> None:
    """Everything that reaches the server, once."""
    data = os.urandom(300_000)
    (mnt / "f").write_bytes(data)
    assert (mnt / "f").read_bytes() == data
    (mnt / "f").write_text("short")
    descriptor = os.open(mnt / "f", os.O_RDWR)
    os.ftruncate(descriptor, 3)
    os.fsync(descriptor)
    os.fstat(descriptor)
    fcntl.lockf(descriptor, fcntl.LOCK_EX)
    assert os.pread(descriptor, 10, 0) == b"sho"
    os.close(descriptor)
    os.truncate(mnt / "f", 1)
    (mnt / "d").mkdir()
    os.mknod(mnt / "d" / "fifo", 0o10644)
    os.link(mnt / "f", mnt / "d" / "hard")
    os.symlink("f", mnt / "soft")
    os.readlink(mnt / "soft")
    assert sorted(entry.name for entry in os.scandir(mnt)) == ["d", "f", "soft"]
    os.chmod(mnt / "f", 0o600)
    os.chown(mnt / "f", 1, -1)
    os.utime(mnt / "f", ns=(1, 2))
    os.setxattr(mnt / "f", "user.a", b"1")
    assert os.getxattr(mnt / "f", "user.a") == b"1"
    os.listxattr(mnt / "f")
    os.removexattr(mnt / "f", "user.a")
    os.statvfs(mnt)
    os.access(mnt / "f", os.W_OK)
    folder = os.open(mnt / "d", os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
    os.rename(mnt / "f", mnt / "d" / "g")
    os.unlink(mnt / "d" / "hard")
    os.unlink(mnt / "d" / "g")
    os.unlink(mnt / "d" / "fifo")
    os.rmdir(mnt / "d")


def test_a_program_causes_the_same_operations_with_both_bindings(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, for RELEASE is sent in the background, and its place among the others is left to chance."""
    seen = []
    for name in (forced(), OTHER[forced()]):
        monkeypatch.setenv(binding.VARIABLE, name)
        served = serve("--locks")
        use(served.mnt)
        assert served.stop() == (0, "")
        replies = [entry for entry in read(served.journal_path) if entry.event == "replied"]
        seen.append(Counter((entry.operation, entry.path, entry.other, entry.result) for entry in replies))
    assert seen[0] == seen[1]
