"""The sources of kernels: their names, what is refused, and a store that holds nothing half made."""

from __future__ import annotations

import dataclasses
import gzip
import os
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.kernels import apt
from harness.kernels import spec as kernel_spec
from harness.kernels import store as kernel_store
from harness.kernels.sources import _packages, _root, deb, debian
from tests.conftest import require
from tests.unit.kernels.test_architectures import KERNEL, RELEASE, bzimage


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "boot/bzImage"
    path.parent.mkdir()
    path.write_bytes(bzimage(gzip.compress(KERNEL)))
    return path


def silent(_: object) -> None:
    """For what takes no time."""


def test_the_host_needs_no_machine() -> None:
    found = kernel_spec.find("host", silent)
    assert found.is_host
    assert found.release == os.uname().release


def test_an_image_is_unpacked_once(image: Path) -> None:
    messages: list[object] = []
    found = [kernel_spec.find(str(image), messages.append) for _ in range(2)]
    assert messages == [f"unpacking {image}"]
    assert found[0] == found[1]
    assert found[0].release == RELEASE
    assert found[0].modules is None
    assert found[0].vmlinux is not None
    assert found[0].vmlinux.read_bytes() == KERNEL


@pytest.mark.parametrize("place", ["{above}/lib/modules/{release}", "{above}/usr/lib/modules/{release}"])
def test_modules_beside_it_are_found(image: Path, place: str) -> None:
    folder = Path(place.format(above=image.parent.parent, release=RELEASE))
    folder.mkdir(parents=True)
    (folder / "modules.dep").touch()
    assert kernel_spec.find(str(image), silent).modules == folder


def test_modules_may_be_named(image: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere/lib/modules" / RELEASE
    folder.mkdir(parents=True)
    (folder / "modules.dep").touch()
    for named in (folder, tmp_path / "elsewhere"):
        assert kernel_spec.find(f"{image}:{named}", silent).modules == folder
    with pytest.raises(UsageError, match=f"no modules of {RELEASE}"):
        kernel_spec.find(f"{image}:{tmp_path}/boot", silent)


def test_what_names_no_kernel_is_told_what_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"(?s)no kernel is named by 'debain:sid'.a kernel may be:.*host"):
        kernel_spec.find("debain:sid", silent)
    with pytest.raises(UsageError, match=r"'\./nothing': it is not there"):
        kernel_spec.find("./nothing", silent)
    with pytest.raises(UsageError, match="there is no kernel in it"):
        kernel_spec.find(str(tmp_path), silent)
    text = tmp_path / "text"
    text.write_text("no kernel")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"begins with a dot or a slash: \./text"):
        kernel_spec.find("text", silent)
    with pytest.raises(UsageError, match="no kernel image"):
        kernel_spec.find(str(text), silent)


def test_a_broken_package_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    require("dpkg-deb")
    broken = tmp_path / "linux-image-6.1_1_amd64.deb"
    broken.write_bytes(b"!<arch>\ndebian-binary and no more")
    with pytest.raises(UsageError, match="cannot be unpacked"):
        kernel_spec.find(str(broken), silent)
    assert [path.name for path in (cache / "fusezap/kernels").iterdir()] == ["lock"]
    with pytest.raises(UsageError, match="is not there"):
        kernel_spec.find(str(tmp_path / "other.deb"), silent)


def test_the_parts_of_a_split_package_are_found_by_name(tmp_path: Path) -> None:
    names = [f"linux-{part}-7.2.13+deb14-amd64_7.2.13-1_amd64.deb" for part in ("image", "binary", "modules", "base")]
    for name in (*names, "linux-modules-7.2.12+deb14-amd64_7.2.12-1_amd64.deb"):
        (tmp_path / name).touch()
    assert [path.name for path in _packages.beside(tmp_path / names[0], deb.split)] == names
    assert [path.name for path in _packages.beside(tmp_path / names[2], deb.split)] == names


def test_an_entry_is_there_whole_or_not_at_all() -> None:
    def half(folder: Path) -> None:
        (folder / "file").write_text("half")
        raise KeyboardInterrupt

    def whole(folder: Path) -> None:
        (folder / "file").write_text("whole")

    with pytest.raises(KeyboardInterrupt):
        kernel_store.entry("it", half)
    assert not (kernel_store.base() / "it").exists()
    left = kernel_store.base() / ".new-dead"
    left.mkdir()
    folder = kernel_store.entry("it", whole)
    assert (folder / "file").read_text() == "whole"
    assert not left.exists()
    assert kernel_store.entry("it", half) == folder


TARGETS = """\
mirror:/debian|bookworm|Debian
mirror:/debian|bookworm-updates|Debian
mirror:/debian-security|bookworm-security|Debian
elsewhere:/apt|stable|Somebody
"""


def test_a_suite_is_read_from_the_mirrors_of_this_machine() -> None:
    assert apt.sources(TARGETS, "bullseye", "/k.gpg").splitlines() == [
        "deb [signed-by=/k.gpg] mirror:/debian bullseye main",
        "deb [signed-by=/k.gpg] mirror:/debian-security bullseye-security main",
    ]
    assert "security" not in apt.sources(TARGETS, "sid", "/k.gpg")
    assert apt.sources("", "sid", "/k.gpg") == ""


def test_the_packages_of_a_kernel_are_found_by_what_they_depend_on() -> None:
    split = """\
linux-image-7.2.13+deb14-amd64
  PreDepends: linux-base
 |Depends: initramfs-tools
  Depends: linux-base-7.2.13+deb14-amd64
  Depends: linux-binary-7.2.13+deb14-amd64
  Depends: linux-modules-7.2.13+deb14-amd64
  Recommends: linux-image-6.1.0-1-amd64
"""
    assert apt.kernels_of(split) == tuple(f"linux-{part}-7.2.13+deb14-amd64" for part in ("base", "binary", "modules"))
    assert apt.kernels_of("linux-image-amd64\n  Depends: linux-image-6.1.0-56-amd64\n") == (
        "linux-image-6.1.0-56-amd64",
    )


def test_what_was_fetched_is_used_until_it_is_gone(image: Path) -> None:
    found = dataclasses.replace(kernel_spec.find(str(image), silent), spec="debian:bookworm:amd64")
    known = kernel_store.specs() / "debian:bookworm:amd64"
    debian.remember(known, found)
    assert kernel_spec.find("debian:bookworm:amd64", silent) == found
    known.write_text(known.read_text()[:-9])
    assert debian.remembered(known, "it") is None
    debian.remember(known, found)
    image.unlink()
    assert debian.remembered(known, "it") is None


def test_one_that_was_fetched_can_be_removed_alone(image: Path) -> None:
    found = dataclasses.replace(kernel_spec.find(str(image), silent), spec="debian:bookworm:amd64")
    other = kernel_store.entry("other", lambda folder: (folder / "file").touch())
    debian.remember(kernel_store.specs() / "debian:bookworm:amd64", found)
    assert debian.forget("debian:bookworm:amd64") >= len(KERNEL)
    assert found.vmlinux is not None
    assert not found.vmlinux.exists()
    assert other.is_dir()
    with pytest.raises(UsageError, match="was not fetched"):
        debian.forget("debian:bookworm:amd64")


def test_what_another_name_leads_to_stays(image: Path) -> None:
    found = kernel_spec.find(str(image), silent)
    for name in ("debian:bookworm:amd64", "debian:6.1:amd64"):
        debian.remember(kernel_store.specs() / name, found)
    assert debian.forget("debian:6.1:amd64") == 0
    assert kernel_spec.forget(str(image), silent) == 0
    assert kernel_spec.find("debian:bookworm:amd64", silent).vmlinux == found.vmlinux
    assert debian.forget("debian:bookworm:amd64") >= len(KERNEL)


def test_what_was_unpacked_of_a_file_can_be_removed_alone(image: Path) -> None:
    found = kernel_spec.find(str(image), silent)
    assert kernel_spec.forget(str(image), silent) >= len(KERNEL)
    assert found.vmlinux is not None
    assert not found.vmlinux.exists()
    assert image.exists()
    assert kernel_spec.forget("host", silent) == 0


def test_what_was_kept_for_an_older_list_of_modules_is_fetched_again(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = kernel_spec.find(str(image), silent)
    known = kernel_store.specs() / "debian:bookworm:amd64"
    debian.remember(known, found)
    assert debian.remembered(known, "it") is not None
    monkeypatch.setattr(_root, "KEPT", "another")
    assert debian.remembered(known, "it") is None


@pytest.mark.parametrize("spec", ["debian:", "debian:../x", "debian:a b", "debian:sid:amd64:more"])
def test_what_names_no_suite_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="names no suite"):
        kernel_spec.find(spec, silent)


def test_all_that_was_kept_can_be_removed(image: Path) -> None:
    assert kernel_store.prune() == 0
    found = kernel_spec.find(str(image), silent)
    assert kernel_store.prune() >= len(KERNEL)
    assert found.vmlinux is not None
    assert not found.vmlinux.exists()
    assert image.exists()
