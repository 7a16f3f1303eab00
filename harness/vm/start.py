"""The script that brings the guest, its root mounted, to the run: the same for every engine."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from harness.vm.root import Root
from harness.vm.visible import CHECKOUT

_SCRIPT = """\
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LANG=C.UTF-8
export {settings}
cd /tmp
if ! grep -q ' cgroup2\\{{0,1\\}} ' /proc/mounts; then
    mount -t tmpfs cgroup /sys/fs/cgroup && mkdir /sys/fs/cgroup/freezer /sys/fs/cgroup/unified
    mount -t cgroup -o freezer cgroup /sys/fs/cgroup/freezer
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
fi 2>/dev/null
{command}
{end}
"""


def python(root: Root, *arguments: str) -> str:
    """The guest's Python, without what its environment adds."""
    return shlex.join([str(root.python), "-P", "-S", *arguments])


def script(command: str, end: str, sources: Path = CHECKOUT) -> str:
    """Runs `command`, lines of a shell; `end` is what the machine is left by.

    `sources`: where the guest has the project.
    """
    settings = {
        "PYTHONPYCACHEPREFIX": os.path.abspath(sys.pycache_prefix) if sys.pycache_prefix else "",
        "PYTHONPATH": str(sources),
        # The guest's fakefs uses the binding to libfuse that is forced here.
        "FAKEFS_FUSE": os.environ.get("FAKEFS_FUSE", ""),
    }
    return _SCRIPT.format(
        settings=" ".join(f"{name}={shlex.quote(value)}" for name, value in settings.items() if value),
        command=command,
        end=end,
    )
