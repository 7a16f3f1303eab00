"""Where a kernel comes from: what names one, what is refused, and that a store holds nothing half made."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from harness import kernel_spec, kernel_store
from harness.errors import UsageError
from harness.kernels import deb
from tests.conftest import require
from tests.unit.harness.test_vmlinux import KERNEL, RELEASE, bzimage


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


def silent(_: str) -> None:
    """For what takes no time."""


def test_the_host_needs_no_machine() -> None:
    found = kernel_spec.find("host", silent)
    assert found.is_host
    assert found.release == os.uname().release


def test_an_image_is_unpacked_once(image: Path) -> None:
    told: list[str] = []
    found = [kernel_spec.find(str(image), told.append) for _ in range(2)]
    assert told == [f"unpacking {image}"]
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


def test_what_names_no_kernel_is_told_what_may(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)no kernel is named by 'debain:sid'.a kernel may be:.*host"):
        kernel_spec.find("debain:sid", silent)
    text = tmp_path / "text"
    text.write_text("no kernel")
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
    names = [f"linux-{part}-7.2.13+deb14-amd64_7.2.13-1_amd64.deb" for part in ("image", "binary", "modules")]
    for name in (*names, "linux-modules-7.2.12+deb14-amd64_7.2.12-1_amd64.deb"):
        (tmp_path / name).touch()
    assert [path.name for path in deb.parts(tmp_path / names[0])] == names
    assert [path.name for path in deb.parts(tmp_path / names[2])] == names


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
