"""The folder of a run, and who looks after it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.guard import rundir
from harness.guard.rundir import OWNER, Owner
from harness.linux.process import Process


def test_a_new_name_is_a_name_and_another_each_time() -> None:
    names = {rundir.new_name() for _ in range(50)}
    assert len(names) == 50
    assert all(rundir.is_name(name) for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fusezap-",
        "fusezap-0123456789a",
        "fusezap-0123456789abc",
        "fusezap-0123456789aB",
        "fusezap-0123456789ag",
        "fusezap-0123456789a/",
        "fusezap-0123456789ab\n",
        "fusezap-fusezap-0123456789ab",
        "xfusezap-0123456789ab",
        "0123456789ab",
        "fusezap-" + "\N{ARABIC-INDIC DIGIT ONE}" * 12,
    ],
)
def test_what_is_no_name(text: str) -> None:
    """Whatever passes is cleaned up: a stranger's mount must not."""
    assert not rundir.is_name(text)


def test_a_name() -> None:
    assert rundir.is_name("fusezap-0123456789ab")


class TestProcess:
    def test_this_one_lives(self) -> None:
        assert Process.of(os.getpid()).alive

    def test_another_start_time_is_another_process(self) -> None:
        here = Process.of(os.getpid())
        assert not replace(here, start_time=here.start_time - 1).alive

    def test_a_number_that_nobody_has(self) -> None:
        assert not Process(2**31 - 1, 1).alive

    def test_a_zombie_is_dead(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
        process = Process.of(child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not process.alive
        child.communicate()


class TestOwner:
    owner = Owner("boot", Process(1, 2), Process(3, 4), kept=True)

    def test_what_is_written_is_read_again(self, tmp_path: Path) -> None:
        self.owner.write(tmp_path)
        assert Owner.read(tmp_path) == self.owner
        assert [path.name for path in tmp_path.iterdir()] == [OWNER]

    def test_a_second_writing_takes_the_firsts_place(self, tmp_path: Path) -> None:
        self.owner.write(tmp_path)
        replace(self.owner, kept=False).write(tmp_path)
        assert Owner.read(tmp_path) == replace(self.owner, kept=False)

    def test_there_is_none(self, tmp_path: Path) -> None:
        assert Owner.read(tmp_path) is None
        assert Owner.read(tmp_path / "absent") is None

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"{",
            b"[]",
            b"3",
            b"null",
            b"\xff\xfe",
            b'{"boot": "b"}',
            b'{"boot": "b", "harness": 3, "guard": {"pid": 1, "start_time": 2}, "kept": false}',
            b'{"boot": "b", "harness": {"pid": 1}, "guard": {"pid": 1, "start_time": 2}, "kept": false}',
            b'{"boot": "b", "harness": {"pid": 1, "x": 2}, "guard": {"pid": 1, "start_time": 2}, "kept": false}',
        ],
    )
    def test_one_that_cannot_be_understood(self, tmp_path: Path, text: bytes) -> None:
        (tmp_path / OWNER).write_bytes(text)
        assert Owner.read(tmp_path) is None

    def test_it_is_plain_json(self, tmp_path: Path) -> None:
        self.owner.write(tmp_path)
        assert json.loads((tmp_path / OWNER).read_text())["guard"] == {"pid": 3, "start_time": 4}


OWNER_OF_IT = Owner("boot", Process(1, 2), Process(3, 4))


def created(name: str, base: Path) -> Path:
    """A folder whose lock this process lets go at once."""
    folder, lock = rundir.create(name, base, OWNER_OF_IT)
    os.close(lock)
    return folder


class TestFolder:
    def test_create_and_remove(self, tmp_path: Path) -> None:
        base = tmp_path / "base"
        folder = created("run", base)
        assert (base.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o700, 0o700)
        assert sorted(path.name for path in folder.iterdir()) == [rundir.LOCK, OWNER]
        assert Owner.read(folder) == OWNER_OF_IT
        (folder / "journal").touch()
        (folder / "mnt").mkdir()
        rundir.remove(folder)
        assert not base.exists()

    def test_another_run_keeps_the_base(self, tmp_path: Path) -> None:
        base = tmp_path / "base"
        first, second = created("first", base), created("second", base)
        rundir.remove(first)
        assert [path.name for path in base.iterdir()] == [second.name]

    def test_a_base_that_others_may_write_to_is_refused(self, tmp_path: Path) -> None:
        base = tmp_path / "base"
        base.mkdir()
        base.chmod(0o777)
        with pytest.raises(PermissionError, match="may write to"):
            created("run", base)
        assert list(base.iterdir()) == []

    def test_a_link_in_the_place_of_the_base_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "base").symlink_to("elsewhere")
        with pytest.raises(PermissionError):
            created("run", tmp_path / "base")
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_a_name_that_is_taken_is_not_shared(self, tmp_path: Path) -> None:
        created("run", tmp_path / "base")
        with pytest.raises(FileExistsError):
            created("run", tmp_path / "base")
        assert os.listdir(tmp_path / "base") == ["run"]

    def test_remove_goes_no_deeper_than_a_run_does(self, tmp_path: Path) -> None:
        deep = tmp_path / "base" / "run" / "mnt" / "file"
        deep.parent.mkdir(parents=True)
        deep.touch()
        with pytest.raises(OSError, match="not empty"):
            rundir.remove(tmp_path / "base" / "run")
        assert deep.exists()

    def test_its_lock_is_that_of_its_maker_and_of_no_child(self, tmp_path: Path) -> None:
        """A child that hangs, and cannot be killed, must not keep the run from being cleaned up."""
        told, tell = os.pipe()
        wait, go = os.pipe()
        maker = os.fork()
        if maker == 0:
            rundir.create("run", tmp_path / "base", OWNER_OF_IT)
            child = os.fork()
            os.write(tell, f"{child}\n".encode() if child else b"")
            os.read(wait, 1)
            os._exit(0)
        child = int(os.read(told, 100))
        folder = tmp_path / "base" / "run"
        try:
            with rundir.claimed(folder) as free:
                assert not free
            os.kill(maker, signal.SIGKILL)
            os.waitpid(maker, 0)
            with rundir.claimed(folder) as free:
                assert free
        finally:
            os.kill(child, signal.SIGKILL)
            os.close(go)

    def test_one_that_is_gone_cannot_be_claimed(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError), rundir.claimed(tmp_path / "run"):
            pass

    def test_an_empty_one_is_taken_in_one_step(self, tmp_path: Path) -> None:
        """Its owner was about to remove it, or its maker to lock it: neither has anything in it to lose."""
        folder = tmp_path / "base" / "run"
        folder.mkdir(parents=True)
        with pytest.raises(FileNotFoundError), rundir.claimed(folder):
            pass
        assert not folder.parent.exists()

    def test_one_that_its_maker_locks_just_then_is_its_makers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "base" / "run"
        folder.mkdir(parents=True)
        rmdir = os.rmdir

        def first_locked(path: Path) -> None:
            subprocess.run([sys.executable, "-c", f"open({str(folder / rundir.LOCK)!r}, 'x')"], check=True)
            rmdir(path)

        monkeypatch.setattr(os, "rmdir", first_locked)
        with rundir.claimed(folder):
            assert (folder / rundir.LOCK).exists()

    def test_a_lock_that_was_opened_before_its_owner_removed_it_claims_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = created("run", tmp_path / "base")
        lockf = fcntl.lockf

        def first_removed(fd: int, flags: int) -> None:
            rundir.remove(folder)
            lockf(fd, flags)

        monkeypatch.setattr(fcntl, "lockf", first_removed)
        with pytest.raises(FileNotFoundError), rundir.claimed(folder):
            pass

    def test_one_that_was_emptied_by_another_is_removed_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`clean` takes the empty folder of an owner that is at its last step: the owner still removes the base."""
        folder = created("run", tmp_path / "base")
        unlink = os.unlink

        def then_swept(name: str, *, dir_fd: int) -> None:
            unlink(name, dir_fd=dir_fd)
            if name == rundir.LOCK:
                os.rmdir(folder)

        monkeypatch.setattr(os, "unlink", then_swept)
        rundir.remove(folder)
        assert not folder.parent.exists()

    def test_a_maker_whose_lock_is_taken_first_makes_another_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lockf = fcntl.lockf
        refusals = [BlockingIOError(errno.EAGAIN, "locked by `clean`")]

        def first_refused(fd: int, flags: int) -> None:
            if refusals:
                raise refusals.pop()
            lockf(fd, flags)

        monkeypatch.setattr(fcntl, "lockf", first_refused)
        assert Owner.read(created("run", tmp_path / "base")) == OWNER_OF_IT
        assert refusals == []

    def test_files_without_a_lock_are_nobodys(self, tmp_path: Path) -> None:
        (tmp_path / "base" / "run").mkdir(parents=True)
        (tmp_path / "base" / "run" / "journal").touch()
        with rundir.claimed(tmp_path / "base" / "run") as free:
            assert free
