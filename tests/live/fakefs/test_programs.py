"""Ordinary programs work on a mount whose rules do not fire."""

import mmap
import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live.fakefs.conftest import Serve


def make_tree(folder: Path) -> None:
    """Files, an empty one, a folder, a symlink, a dangling one, a hard link, a FIFO, modes, times, an xattr."""
    folder.mkdir(exist_ok=True)
    (folder / "sub").mkdir()
    (folder / "sub" / "big").write_bytes(os.urandom(300_000))
    (folder / "empty").touch()
    (folder / "run").write_text("#!/bin/sh\necho ran\n")
    (folder / "run").chmod(0o4755)
    (folder / "to").symlink_to("sub/big")
    (folder / "nowhere").symlink_to("none")
    os.link(folder / "sub" / "big", folder / "hard")
    os.mkfifo(folder / "fifo")
    Path(os.fsdecode(os.fsencode(folder) + b"/not-\xff-utf8")).write_text("x")
    os.setxattr(folder / "run", "user.colour", b"blue\0")
    os.utime(folder / "empty", ns=(1_000_000_001, 2_000_000_002))
    os.utime(folder / "sub", ns=(3_000_000_003, 4_000_000_004))


def facts(folder: Path, numbers: bool = True) -> dict[str, object]:
    """Everything that a copy of a tree has to keep. Of hard links, the first name with the same inode."""
    found: dict[str, object] = {}
    inodes: dict[int, str] = {}
    for path in sorted(folder.rglob("*")):
        st = path.lstat()
        name = str(path.relative_to(folder))
        data = path.read_bytes() if stat.S_ISREG(st.st_mode) else path.is_symlink() and os.readlink(path)
        same = inodes.setdefault(st.st_ino, name)
        nlink = st.st_nlink if not stat.S_ISDIR(st.st_mode) else 0
        xattrs = {
            one: os.getxattr(path, one, follow_symlinks=False) for one in os.listxattr(path, follow_symlinks=False)
        }
        mtime = st.st_mtime_ns if numbers else st.st_mtime_ns // 1_000_000_000
        found[name] = (oct(st.st_mode), data, same, nlink, mtime, xattrs)
    return found


def test_cp_keeps_everything(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    make_tree(tmp_path / "tree")
    served.run("cp", "-a", tmp_path / "tree", served.mnt / "there")
    assert facts(served.mnt / "there") == facts(tmp_path / "tree")
    served.run("cp", "-a", served.mnt / "there", tmp_path / "back")
    assert facts(tmp_path / "back") == facts(tmp_path / "tree")
    served.run("rm", "-r", served.mnt / "there")
    assert os.listdir(served.mnt) == []
    assert os.statvfs(served.mnt).f_bfree == os.statvfs(served.mnt).f_blocks


def test_tar_keeps_everything(serve: Serve, tmp_path: Path) -> None:
    served = serve()
    make_tree(tmp_path / "tree")
    served.run("tar", "-C", tmp_path, "--xattrs", "--format=posix", "-cf", served.mnt / "t.tar", "tree")
    served.run("tar", "-C", served.mnt, "--xattrs", "-xpf", served.mnt / "t.tar")
    assert facts(served.mnt / "tree") == facts(tmp_path / "tree")


def test_a_tree_that_was_copied_in_is_the_same(serve: Serve, tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    os.removexattr(tmp_path / "tree" / "run", "user.colour")
    served = serve("--from", str(tmp_path / "tree"), "--file", "/more/and/more=text")
    more = {"more", "more/and", "more/and/more"}
    found = {name: fact for name, fact in facts(served.mnt).items() if name not in more}
    assert found == facts(tmp_path / "tree")
    assert (served.mnt / "more/and/more").read_text() == "text"
    assert served.run(served.mnt / "run") == "ran\n" or os.statvfs(served.mnt).f_flag & os.ST_NOSUID


def test_git(serve: Serve) -> None:
    served = serve()
    git = ("git", "-C", str(served.mnt), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "safe.directory=*")
    served.run(*git, "init", "-q")
    for number in range(3):
        (served.mnt / "file").write_text(f"{number}\n" * 1000)
        served.run(*git, "add", "-A")
        served.run(*git, "commit", "-qm", f"commit {number}")
    served.run(*git, "gc", "-q")
    served.run(*git, "fsck", "--strict")
    assert len(served.run(*git, "log", "--oneline").splitlines()) == 3
    assert served.run(*git, "status", "--porcelain") == ""


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_sqlite(serve: Serve, mode: str) -> None:
    served = serve()
    code = (
        "import sqlite3\n"
        "db = sqlite3.connect(sys.argv[1], timeout=30)\n"
        "for n in range(50):\n"
        "    with db: db.execute('insert into t values (?, ?)', (n, os.urandom(3000)))\n"
    )
    with sqlite3.connect(served.mnt / "db") as warm:
        # The mode is kept in the file. SQLite refuses to change it while others use the file.
        warm.execute(f"pragma journal_mode={mode}")
        warm.execute("create table t (a integer, b blob)")
    warm.close()
    programs = [served.python(code, served.mnt / "db") for _ in range(3)]
    for program in programs:
        served.finish(program)
    db = sqlite3.connect(served.mnt / "db")
    assert db.execute("select count(*), sum(a) from t").fetchone() == (150, 3 * sum(range(50)))
    assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    db.close()


def test_a_mapping_in_another_process(serve: Serve) -> None:
    served = serve("--file", "/f=" + "x" * 10_000)
    code = (
        "import mmap\n"
        "fd = os.open(sys.argv[1], os.O_RDWR); m = mmap.mmap(fd, 10_000)\n"
        "assert m[:] == b'x' * 10_000; m[5000:5003] = b'YES'; m.flush(); m.close(); os.close(fd)\n"
    )
    served.finish(served.python(code, served.mnt / "f"))
    assert (served.mnt / "f").read_bytes()[4999:5004] == b"xYESx"
    assert mmap.PAGESIZE < 10_000


def test_a_storm_of_renames(serve: Serve) -> None:
    served = serve()
    code = (
        "import random\n"
        "random.seed(int(sys.argv[2]))\n"
        "for n in range(300):\n"
        "    name = f'{sys.argv[1]}/{sys.argv[2]}.{n}'\n"
        "    with open(name, 'w') as file: file.write(name)\n"
        "    os.rename(name, f'{sys.argv[1]}/target{random.randrange(4)}')\n"
    )
    for program in [served.python(code, served.mnt, str(seed)) for seed in range(4)]:
        served.finish(program)
    assert sorted(os.listdir(served.mnt)) == [f"target{number}" for number in range(4)]
    for name in os.listdir(served.mnt):
        assert (served.mnt / name).read_text().startswith(str(served.mnt))


def test_a_file_outlives_its_name(serve: Serve) -> None:
    served = serve()
    descriptor = os.open(served.mnt / "f", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"before")
    os.unlink(served.mnt / "f")
    os.write(descriptor, b" and after")
    assert os.pread(descriptor, 100, 0) == b"before and after"
    assert os.fstat(descriptor).st_size == 16
    os.close(descriptor)
    served.control.wait("replied", "unlink", timeout=10)
    assert os.listdir(served.mnt) == []


def test_holes_take_no_memory(serve: Serve) -> None:
    served = serve()
    with (served.mnt / "f").open("r+b" if (served.mnt / "f").exists() else "w+b", buffering=0) as file:
        file.seek(1 << 40)
        file.write(b"end")
        file.truncate((1 << 40) + 1)
        file.seek((1 << 40) - 2)
        assert file.read(10) == b"\0\0e"
    assert (served.mnt / "f").stat().st_size == (1 << 40) + 1
    assert (served.mnt / "f").stat().st_blocks * 512 < 1 << 20


def test_touch_of_one_time_leaves_the_other(serve: Serve) -> None:
    served = serve("--file", "/f")
    os.utime(served.mnt / "f", ns=(1_500_000_001, 2_500_000_002))
    served.run("touch", "-a", "-d", "@7.25", served.mnt / "f")
    found = (served.mnt / "f").stat()
    assert (found.st_atime_ns, found.st_mtime_ns) == (7_250_000_000, 2_500_000_002)
    served.run("touch", "-m", served.mnt / "f")
    found = (served.mnt / "f").stat()
    assert found.st_atime_ns == 7_250_000_000
    assert found.st_mtime_ns > 10**18


def test_append_by_many(serve: Serve) -> None:
    served = serve("--file", "/f")

    def append(number: int) -> None:
        subprocess.run(["sh", "-c", f"echo line{number} >>{served.mnt}/f"], check=True, timeout=20)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(20)))
    assert sorted((served.mnt / "f").read_text().split()) == sorted(f"line{number}" for number in range(20))


def test_direct_io(serve: Serve) -> None:
    served = serve("-o", "direct_io", "--file", "/f=hello")
    assert served.run("cat", served.mnt / "f") == "hello"
    served.control.set(["read:errno=EIO"])
    assert served.start("cat", served.mnt / "f").wait(20) == 1


def test_a_script_in_it_runs(serve: Serve) -> None:
    served = serve()
    script = served.mnt / "script"
    script.write_text(f"#!{sys.executable}\nprint('ran')\n")
    script.chmod(0o755)
    assert served.run(script) == "ran\n"
