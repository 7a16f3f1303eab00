"""Kernels out of an archive of Debian: found by version, fetched in parts, and never half."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.commands._fetching import progress_shown
from harness.errors import MachineError, UsageError
from harness.kernels import apt, download
from harness.kernels import spec as kernel_spec
from harness.kernels.progress import Bytes, at_tenths
from harness.kernels.sources import debian
from tests.conftest import require
from tests.integration.kernels.mirror import Mirror, served
from tests.unit.kernels.packed import deb
from tests.unit.kernels.roots import root_with_kernel
from tests.unit.kernels.test_architectures import RELEASE

PACKAGE = f"linux-image-{RELEASE}"
FILE = f"{PACKAGE}_1_amd64.deb"
OTHER = "linux-image-6.1.0-9-amd64"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    require("gcc", "depmod", "modprobe", "dpkg-scanpackages", "apt-get")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def silent(_: object) -> None:
    """For what takes no time."""


def packed(folder: Path, *releases: str) -> Path:
    """An archive, unsigned; a package of each is half a megabyte."""
    folder.mkdir()
    for release in releases:
        root = root_with_kernel(folder / release, release)
        (root / "usr/share/doc/much").write_bytes(os.urandom(500_000))
        deb(root, f"linux-image-{release}_1_amd64.deb")
    index = subprocess.run(["dpkg-scanpackages", "."], cwd=folder, capture_output=True, check=True).stdout
    (folder / "Packages").write_bytes(index)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return packed(tmp_path / "archive", RELEASE, "6.1.0-9-amd64")


@pytest.fixture
def mirror(folder: Path) -> Iterator[Mirror]:
    with served(folder) as mirror:
        yield mirror


@pytest.fixture
def archive(tmp_path: Path, mirror: Mirror) -> apt.Archive:
    return apt.Archive(tmp_path / "lists", mirror.source)


@pytest.fixture
def once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """apt tries four times."""
    (tmp_path / "apt.conf").write_text('Acquire::Retries "0";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))


# ---- found -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "fit"),
    [
        ("6.1", True),
        ("6.1.192", True),
        ("6.1.192-2", True),
        ("6.1.0-56", True),
        ("6.1.*", True),
        ("6.1.0-5?", True),
        ("6.1.19", False),
        ("6.12", False),
        ("6", True),
    ],
)
def test_a_version_fits_whole_numbers(wanted: str, fit: bool) -> None:
    assert debian.fits(wanted, "linux-image-6.1.0-56-amd64", "6.1.192-2", "amd64") is fit


def test_the_versions_of_an_archive_are_known_by_flavour(archive: apt.Archive) -> None:
    assert archive.versions("amd64") == {PACKAGE: "1", OTHER: "1"}
    assert archive.versions("cloud-amd64") == {}


def test_a_version_is_looked_for_in_every_suite_that_there_is(
    archive: apt.Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def suite(name: str, *_: object) -> apt.Archive:
        if name != "bookworm":
            raise MachineError(f"no {name}")
        return archive

    monkeypatch.setattr(apt, "suite", suite)
    assert kernel_spec.find("debian:6.1.0-9", silent).release == "6.1.0-9-amd64"
    fetched = kernel_spec.find("debian:6.1.*-5?", silent)
    assert (fetched.release, fetched.spec, fetched.package) == (RELEASE, "debian:6.1.*-5?", FILE.removesuffix(".deb"))
    with pytest.raises(UsageError, match=r"(?s)no suite has a kernel 6\.2 \(amd64\).there are: 1$"):
        kernel_spec.find("debian:6.2", silent)
    monkeypatch.setattr(debian, "SUITES", ("sid",))
    with pytest.raises(MachineError, match="no sid"):
        kernel_spec.find("debian:6.2", silent)


def test_what_is_unpacked_already_is_not_fetched_again(
    archive: apt.Archive, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "suite", lambda *_: archive)
    first = kernel_spec.find("debian:6.1.0-56", silent)
    second = kernel_spec.fetch("debian:6.1.0-5?", silent)
    assert dataclasses.replace(first, spec=second.spec) == second
    assert len(mirror.sent) == 1
    assert kernel_spec.find(str(mirror.folder / FILE), silent).digest == first.digest


def test_two_who_want_the_same_at_once_fetch_it_once(
    archive: apt.Archive, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "suite", lambda *_: archive)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda spec: kernel_spec.find(spec, silent), ("debian:6.1.0-56", "debian:6.1.0-5?")))
    assert found[0].digest == found[1].digest
    assert len(mirror.sent) == 1


# ---- fetched ---------------------------------------------------------------------------------------------------------


def test_a_fetch_tells_how_far_it_is_and_leaves_no_package(archive: apt.Archive) -> None:
    heard: list[str | Bytes] = []
    with archive.downloaded(archive.files([PACKAGE]), heard.append) as files:
        assert [file.name for file in files] == [FILE]
    assert str(heard[0]) == f"fetching {PACKAGE}: 0 of 1 MB"
    last = heard[-1]
    assert isinstance(last, Bytes)
    assert last.percent == 100
    assert not files[0].exists()


def test_an_interrupted_fetch_goes_on_where_it_was(archive: apt.Archive, mirror: Mirror) -> None:
    mirror.stop_after = 300_000

    def interrupted(message: str | Bytes) -> None:
        assert isinstance(message, Bytes)
        if message.done == 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), archive.downloaded(archive.files([PACKAGE]), interrupted):
        pass
    mirror.go_on.set()
    mirror.stop_after = None
    with archive.downloaded(archive.files([PACKAGE]), silent) as files:
        whole = mirror.folder / FILE
        assert files[0].read_bytes() == whole.read_bytes()
    assert mirror.sent == [(0, 300_000), (300_000, whole.stat().st_size - 300_000)]


@pytest.mark.usefixtures("once")
def test_a_connection_that_ends_early_is_an_error_and_nothing_is_fetched_twice(
    archive: apt.Archive, mirror: Mirror
) -> None:
    mirror.stop_after = 300_000
    mirror.go_on.set()
    with (
        pytest.raises(MachineError, match="could not be fetched"),
        archive.downloaded(archive.files([PACKAGE]), silent),
    ):
        pass
    mirror.stop_after = None
    with archive.downloaded(archive.files([PACKAGE]), silent):
        pass
    assert [first for first, _ in mirror.sent] == [0, 300_000]


def test_what_is_left_of_another_fetch_is_no_part_of_this_one(archive: apt.Archive) -> None:
    with pytest.raises(KeyboardInterrupt), archive.downloaded(archive.files([PACKAGE]), silent) as left:
        raise KeyboardInterrupt
    assert left[0].exists()
    with archive.downloaded(archive.files([OTHER]), silent) as files:
        assert [file.name for file in files] == [f"{OTHER}_1_amd64.deb"]
    assert not left[0].exists()


def test_a_file_that_was_damaged_meanwhile_is_fetched_again(archive: apt.Archive, mirror: Mirror) -> None:
    with pytest.raises(KeyboardInterrupt), archive.downloaded(archive.files([PACKAGE]), silent) as left:
        raise KeyboardInterrupt
    whole = left[0].read_bytes()
    left[0].write_bytes(bytes(len(whole)))
    changed = (mirror.folder / FILE).stat().st_mtime
    os.utime(left[0], (int(changed), int(changed)))
    with archive.downloaded(archive.files([PACKAGE]), silent) as files:
        assert files[0].read_bytes() == whole
    assert len(mirror.sent) == 2


def test_a_package_that_is_not_what_was_signed_is_an_error(archive: apt.Archive, mirror: Mirror) -> None:
    path = mirror.folder / FILE
    path.write_bytes(bytes(path.stat().st_size))
    expected = pytest.raises(MachineError, match=r"(?s)could not be fetched.*Hash Sum mismatch")
    with expected, archive.downloaded(archive.files([PACKAGE]), silent):
        pass


def test_a_package_that_is_not_there_is_an_error(archive: apt.Archive) -> None:
    with pytest.raises(MachineError, match="apt-get failed"):
        archive.files(["linux-image-none"])


def test_a_sum_that_is_too_weak_is_none() -> None:
    digest = "0" * 64
    line = "'mirror:/pool/linux-image_1%3a1_amd64.deb' linux-image_1%3a1_amd64.deb 123"
    assert download.remotes(f"{line} MD5Sum:{digest[:32]}\n") == ()
    (found,) = download.remotes(f"{line} SHA256:{digest}\n")
    assert found == download.Remote(
        "mirror:/pool/linux-image_1%3a1_amd64.deb", "linux-image_1%3a1_amd64.deb", 123, digest
    )
    assert found.package == "linux-image_1:1_amd64"


def test_a_mirror_that_cannot_be_reached_is_an_error_with_what_apt_says(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"(?s)is the mirror reachable.*nowhere"):
        apt.Archive(tmp_path / "lists", f"deb [trusted=yes] copy:{tmp_path}/nowhere ./\n")


@pytest.mark.usefixtures("once")
def test_a_full_disk_is_told(tmp_path: Path, mirror: Mirror) -> None:
    require("mount", "umount", root=True)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)], check=True)
    try:
        archive = apt.Archive(small / "lists", mirror.source)
        with pytest.raises(MachineError, match="No space left"), archive.downloaded(archive.files([PACKAGE]), silent):
            pass
    finally:
        subprocess.run(["umount", str(small)], check=True)


# ---- progress --------------------------------------------------------------------------------------------------------


def test_a_part_is_said_at_each_tenth() -> None:
    said: list[str] = []
    report = at_tenths(said.append)
    for done in (0, 1_000_000, 9_000_000, 10_000_000, 35_000_000, 100_000_000):
        report(Bytes("fetching it", done, 100_000_000))
    report("unpacking it")
    assert [each.partition(": ")[2] for each in said[:-1]] == [f"{done} of 100 MB" for done in (0, 10, 35, 100)]
    assert said[-1] == "unpacking it"


@pytest.mark.parametrize("terminal", [False, True])
def test_a_terminal_has_a_bar_and_a_log_has_lines(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_shown() as report:
        report("asking for [it]")
        for done in (0, 50_000_000, 100_000_000):
            report(Bytes("fetching it", done, 100_000_000))
        report(Bytes("fetching another", 0, 1))
        report("done")
    text = stream.getvalue()
    assert "fusezap: asking for [it]\n" in text.replace("\r", "")
    assert "fetching it" in text
    assert ("━━━" in text) is terminal
    assert ("fusezap: fetching it: 50 of 100 MB\n" in text) is not terminal
