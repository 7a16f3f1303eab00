"""The root of a guest of another architecture: put together from an archive that is made here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.errors import MachineError
from harness.kernels import apt, architectures
from harness.kernels.sources import debian
from harness.vm import root
from tests.conftest import require
from tests.integration.kernels.mirror import Mirror, served
from tests.unit.kernels.packed import deb

OTHER = next(machine for machine in architectures.known() if architectures.of(machine) is not architectures.own())
THERE = architectures.of(OTHER).DEBIAN


def silent(_: object) -> None:
    """For what takes no time."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("apt-get", "dpkg-deb", "dpkg-scanpackages", "busybox")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(root, "_SUITES", {sys.version_info[:2]: "it"})


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    """Packages of that architecture and of this one; `python3-prctl` depends on another package."""
    folder = tmp_path / "archive"
    contents = {
        "base-files": "bin/",
        "busybox-static": "bin/busybox",
        "libc6": "lib/libc.so.6",
        "libfuse2": "usr/share/doc/libfuse2/copyright",
        "python3-prctl": "usr/lib/python3/prctl.py",
        "python3-psutil": "usr/lib/python3/psutil.py",
        "python3-rich": "usr/lib/python3/rich.py",
        "mount": "usr/bin/mount",
        "python3-it": "usr/bin/python3",
        "unwanted": "etc/unwanted",
    }
    for architecture in ("amd64", "arm64"):
        for package, content in contents.items():
            tree = folder / f"{package}-{architecture}"
            path = tree / content
            path.parent.mkdir(parents=True)
            if not content.endswith("/"):
                path.write_text(architecture)
            needs = "Depends: python3-it, mount\n" if package == "python3-prctl" else ""
            deb(tree, f"{package}_1_{architecture}.deb", needs)
    index = subprocess.run(["dpkg-scanpackages", "-m", "."], cwd=folder, capture_output=True, check=True).stdout
    (folder / "Packages").write_bytes(index)
    with served(folder) as mirror:
        yield mirror


@pytest.fixture
def asked(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Suites and architectures that an archive was made of."""
    names: list[str] = []

    def suite(name: str, _: object, architecture: str) -> apt.Archive:
        names.append(f"{name} {architecture}")
        return apt.Archive(tmp_path / "lists", mirror.source, architecture)

    monkeypatch.setattr(apt, "suite", suite)
    return names


def test_this_machines_root_is_its_own() -> None:
    own = architectures.own()
    assert own is not None
    found = root.of(own.__name__.rpartition(".")[2], silent)
    assert found.here
    assert found.outside(Path("/bin/sh")) == Path("/bin/sh")


def test_another_is_unpacked_once(asked: list[str]) -> None:
    found = root.of(OTHER, silent)
    assert not found.here
    assert found.outside(found.busybox).read_text() == THERE
    assert (found.path / "usr/bin/python3").read_text() == THERE, "what is depended on is there"
    assert not (found.path / "etc/unwanted").exists()
    assert not (found.path / "usr/share/doc").exists()
    assert (found.path / "proc").is_dir()
    assert (found.path / "bin/sh").readlink() == Path("busybox")
    assert (found.path / "usr/bin/mount").read_text() == THERE, "a program of its own, not of busybox"
    assert not (found.path / "bin/mount").exists()
    assert root.of(OTHER, silent) == found
    assert asked == [f"it {THERE}"]


@pytest.mark.usefixtures("asked")
def test_two_that_want_it_at_once_fetch_it_once(mirror: Mirror) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: root.of(OTHER, silent), range(2))
    assert first == second
    assert len(mirror.sent) == len(root._PACKAGES) + 3


@pytest.mark.usefixtures("asked")
def test_nothing_half_made_stays(mirror: Mirror, tmp_path: Path) -> None:
    (mirror.folder / f"libc6_1_{THERE}.deb").write_bytes(b"!<arch>\nnot what was promised")
    with pytest.raises(MachineError):
        root.of(OTHER, silent)
    assert not list((tmp_path / "cache/fusezap/kernels").glob("root-*"))


def test_a_python_that_no_suite_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root, "_SUITES", {(3, 1): "it"})
    with pytest.raises(MachineError, match=r"runs below Debian's Python 3\.1, this is 3\."):
        root.of(OTHER, silent)


def test_without_an_archive_it_is_said_what_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def suite(*_: object) -> apt.Archive:
        raise MachineError("apt-get is not there")

    monkeypatch.setattr(apt, "suite", suite)
    with pytest.raises(MachineError, match=f"no root for {THERE} can be had\napt-get is not there"):
        root.of(OTHER, silent)


def test_sources_are_brought_with_what_they_need(tmp_path: Path) -> None:
    root.bring_sources(tmp_path)
    assert (tmp_path / "fakefs/notify.py").is_file()
    assert (tmp_path / "harness/launch/programs/zombies.py").is_file()
    assert (tmp_path / "fuse.py").is_file()


def test_a_flavour_tells_its_architecture() -> None:
    assert debian._elsewhere(THERE) == THERE
    assert debian._elsewhere(f"cloud-{THERE}") == THERE
    assert debian._elsewhere(debian._own_flavour()) == ""
    assert debian._elsewhere("riscv64") == ""
