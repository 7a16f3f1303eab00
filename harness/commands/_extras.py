"""Optional dependencies: installed at the first use in the environment that `./fusezap` made, and named elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import sys
from pathlib import Path

from harness.boundary import say
from harness.errors import MachineError

STAMP = "fusezap.stamp"
"""The file that `./fusezap` writes into an environment of its own."""


def ensure(extra: str, module: str, purpose: str) -> None:
    """Make an optional dependency importable.

    Args:
        extra: An extra of the package, such as `farm`.
        module: The module that the extra brings, such as `distributed`.
        purpose: What needs it, for the message, such as `--cluster`.

    Raises:
        MachineError: It is missing, and this environment is not fusezap's own, or the installation failed.
    """
    if importlib.util.find_spec(module) is not None:
        return
    import subprocess

    argv = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *requirements(extra)]
    if not (Path(sys.prefix) / STAMP).exists():
        raise MachineError(f"{purpose} needs {module}, which is not installed", f"install it: `{shlex.join(argv)}`")
    say(f"fusezap: installing {module}, once: {purpose} needs it")
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    importlib.invalidate_caches()
    if done.returncode or importlib.util.find_spec(module) is None:
        last = "\n".join((done.stdout + done.stderr).strip().split("\n")[-5:])
        raise MachineError(f"{module} could not be installed:\n{last}", "is the package index reachable?")


def requirements(extra: str) -> tuple[str, ...]:
    """The requirements of an extra, as the package's metadata has them.

    Args:
        extra: An extra of the package.

    Returns:
        Requirements for pip, such as `distributed>=2024.1`.
    """
    from importlib import metadata  # late: it takes as long to import as a short command may start

    marker = re.compile(rf"""^(.+?)\s*;\s*extra == ["']{re.escape(extra)}["']$""")
    found = (marker.match(each) for each in metadata.requires("fusezap") or ())
    return tuple(match[1] for match in found if match)
