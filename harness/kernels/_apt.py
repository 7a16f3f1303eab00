"""Debian's archive by the machine's own apt: its mirrors, its signatures, but a state of our own.

The system's lists and packages are not touched, and suites that the machine does not run can be read beside it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from harness import kernel_store
from harness.errors import MachineError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ROLLING = ("sid", "unstable", "experimental")
"""Suites without a security archive."""


def sources(targets: str, suite: str, keyring: str) -> str:
    """The sources list for a suite, from what the machine's own has (`apt-get indextargets`: URI, codename, origin)."""
    lines: dict[str, None] = {}
    for target in targets.splitlines():
        uri, release, origin = target.split("|")
        if origin != "Debian":
            continue
        secure = release.endswith("-security")
        if not secure or suite not in ROLLING:
            lines.setdefault(f"deb [signed-by={keyring}] {uri} {suite}{'-security' if secure else ''} main")
    return "".join(f"{line}\n" for line in lines)


def kernels_of(depends: str) -> tuple[str, ...]:
    """Packages of a kernel that a package depends on, from `apt-cache depends`."""
    return tuple(dict.fromkeys(re.findall(r"^ +Depends: (linux-(?:image|binary|modules)-\d\S+)$", depends, re.M)))


class Archive:
    """One suite; its lists are fetched when this is made."""

    def __init__(self, suite: str, tell: Callable[[str], None]) -> None:
        folder = kernel_store.base() / "apt" / suite
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        listed = folder / "sources.list"
        targets = _run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(ORIGIN)", "Created-By: Packages"]
        )
        listed.write_text(sources(targets, suite, KEYRING))
        if not listed.stat().st_size:
            raise MachineError("this machine's apt has no source of Debian", "see /etc/apt/sources.list.d")
        self._options = [
            *("-o", f"Dir::State={folder}/state"),
            *("-o", f"Dir::Cache={folder}/cache"),
            *("-o", f"Dir::Etc::SourceList={listed}"),
            *("-o", "Dir::Etc::SourceParts=/dev/null"),
            *("-o", "Acquire::Languages=none"),
        ]
        tell(f"asking the mirror for the packages of {suite}")
        _run(["apt-get", *self._options, "--error-on=any", "update"])

    def kernel(self, flavour: str) -> tuple[str, ...]:
        """The packages that the suite's newest kernel of that flavour is in."""
        (image,) = self._kernels(f"linux-image-{flavour}") or (None,)
        if image is None:
            raise MachineError(f"the suite has no package linux-image-{flavour}")
        return (image, *self._kernels(image))

    def download(self, packages: Iterable[str], folder: Path) -> None:
        """Their signatures and sums are checked by apt; what was broken off goes on where it was."""
        _run(["apt-get", *self._options, "-o", "APT::Sandbox::User=root", "download", *packages], cwd=folder)

    def _kernels(self, package: str) -> tuple[str, ...]:
        return kernels_of(_run(["apt-cache", *self._options, "depends", package]))


def _run(argv: list[str], cwd: Path | None = None) -> str:
    try:
        ended = subprocess.run(
            argv, cwd=cwd, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise MachineError(
            f"{argv[0]} is not there", "kernels of Debian are fetched by apt; name a file instead"
        ) from error
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if line.startswith(("E:", "W:", "Err"))]
        hint = "\n".join(said[-5:]) or ended.stderr.strip()[-300:]
        raise MachineError(f"{argv[0]} failed; is the mirror reachable, and is there such a suite?", hint)
    return ended.stdout
