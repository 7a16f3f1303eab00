"""/proc/PID/mountinfo, as text that a kernel wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.linux.mountinfo import MountEntry, is_fuse, parse_mountinfo, topmost, unescape

FAKEFS = (
    "86 110 0:40 / /tmp/probe/a\\040b rw,nosuid,nodev,relatime - fuse.fakefs fusezap-probe rw,user_id=0,group_id=0\n"
)
PROC = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
SHARED = "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard,resuid=65534\n"
FUSECTL = "40 23 0:37 / /sys/fs/fuse/connections rw,relatime - fusectl none rw\n"


def test_a_fuse_mount() -> None:
    assert parse_mountinfo(FAKEFS) == (
        MountEntry(0, 40, "/", "/tmp/probe/a b", "fuse.fakefs", "fusezap-probe", "rw,user_id=0,group_id=0", 86),
    )


def test_optional_fields_come_in_any_number() -> None:
    entries = parse_mountinfo(PROC + SHARED + FAKEFS)
    assert [(each.major, each.minor, each.fstype, each.source) for each in entries] == [
        (0, 21, "proc", "proc"),
        (254, 0, "ext4", "/dev/vda"),
        (0, 40, "fuse.fakefs", "fusezap-probe"),
    ]


@pytest.mark.parametrize(
    ("fstype", "fuse"),
    [
        ("fuse", True),
        ("fuse.sshfs", True),
        ("fuseblk", True),
        ("fuseblk.ntfs-3g", True),
        ("fusectl", False),
        ("fusefs", False),
        ("virtiofs", False),
        ("ext4", False),
    ],
)
def test_fuse_is_told_from_what_sounds_like_it(fstype: str, fuse: bool) -> None:
    (entry,) = parse_mountinfo(f"86 110 0:40 / /mnt rw - {fstype} source rw\n")
    assert is_fuse(entry) is fuse


def test_the_control_filesystem_is_not_a_connection() -> None:
    assert [each.point for each in parse_mountinfo(FUSECTL + FAKEFS) if is_fuse(each)] == ["/tmp/probe/a b"]


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"a\040b", "a b"),
        (r"a\011b", "a\tb"),
        (r"a\012b", "a\nb"),
        (r"a\134040b", r"a\040b"),
        (r"a\043b", "a#b"),
        ("plain", "plain"),
        (r"\\", r"\\"),
    ],
)
def test_unescape(escaped: str, plain: str) -> None:
    assert unescape(escaped) == plain


def test_an_escaped_separator_does_not_separate() -> None:
    (entry,) = parse_mountinfo("1 2 0:9 / /mnt/a\\040-\\040fuse\\040b rw - tmpfs a\\040-\\040fuse rw\n")
    assert (entry.point, entry.fstype, entry.source) == ("/mnt/a - fuse b", "tmpfs", "a - fuse")


def test_an_empty_source() -> None:
    (entry,) = parse_mountinfo("1 2 0:9 / /mnt rw - fuse  rw,user_id=0\n")
    assert entry.source == ""


def test_nothing_is_mounted() -> None:
    assert parse_mountinfo("") == ()


PATH_CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


def _mangled(text: str) -> str:
    """As the kernel's mangle_path() writes it."""
    return "".join(f"\\{ord(each):03o}" if each in " \t\n\\#" else each for each in text)


@given(
    point=st.text(PATH_CHARACTERS, min_size=1),
    source=st.text(PATH_CHARACTERS, min_size=1),
)
def test_every_name_comes_back_from_its_line(point: str, source: str) -> None:
    """A path may hold any character but NUL; the kernel escapes five of them and no others."""
    line = f"86 110 0:40 / /{_mangled(point)} rw - fuse.x {_mangled(source)} rw\n"
    assert parse_mountinfo(line + PROC)[0] == MountEntry(0, 40, "/", f"/{point}", "fuse.x", source, "rw", 86)


def test_a_mount_on_top_of_another_covers_it() -> None:
    above = FAKEFS.replace("86 110 0:40", "90 86 0:41")
    assert topmost(["/tmp/probe/a b"], FAKEFS + PROC) == {"/tmp/probe/a b": 86}
    assert topmost(["/tmp/probe/a b", "/nowhere"], FAKEFS + above + PROC) == {"/tmp/probe/a b": 90}
    assert topmost([], FAKEFS) == {}
