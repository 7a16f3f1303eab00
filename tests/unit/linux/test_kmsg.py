"""Messages of the kernel about a fault of its own."""

from __future__ import annotations

import pytest

from harness.linux.kmsg import parse_taints, remarkable


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            "4,812,99,-;WARNING: CPU: 0 PID: 1 at fs/fuse/dev.c:300\n SUBSYSTEM=x",
            "WARNING: CPU: 0 PID: 1 at fs/fuse/dev.c:300",
        ),
        ("1,9,9,-;BUG: kernel NULL pointer dereference", "BUG: kernel NULL pointer dereference"),
        (
            "3,9,9,-;INFO: task fakefs:12 blocked for more than 120 seconds.",
            "INFO: task fakefs:12 blocked for more than 120 seconds.",
        ),
        ("6,9,9,-;fuse: init (API version 7.37)", None),
        ("4,9,9,-;no WARNING: here", None),
        ("12,9,9,-;", None),
        ("nothing", None),
    ],
)
def test_remarkable(record: str, text: str | None) -> None:
    assert remarkable(record) == text


@pytest.mark.parametrize(("text", "taints"), [("0\n", 0), ("4096\n", 0), ("512\n", 512), ("4737\n", 640)])
def test_only_the_kernels_own_faults_taint(text: str, taints: int) -> None:
    """A module that was loaded from elsewhere (4096) or is proprietary (1) makes no run worse."""
    assert parse_taints(text) == taints
