"""Debian's archive by the machine's own apt: its mirrors, its signatures, but a state of our own.

The system's lists and packages are not touched, and suites that the machine does not run can be read beside it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import MachineError
from harness.kernels import download
from harness.kernels import store as kernel_store
from harness.kernels.download import Remote
from harness.kernels.progress import Report

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
    return tuple(dict.fromkeys(re.findall(r"^ +Depends: (linux-(?:image|binary|modules|base)-\d\S+)$", depends, re.M)))


def newer(version: str, other: str) -> bool:
    """True if `version` is newer than `other` by Debian's order."""
    argv = ["dpkg", "--compare-versions", version, "gt", other]
    return subprocess.run(argv, check=False).returncode == 0


def suite(name: str, report: Report, architecture: str = "") -> Archive:
    """The packages of this machine's mirrors, for this machine or, by Debian's name, for another; MachineError where
    they have none of that name."""
    folder = kernel_store.base() / "apt" / (f"{name}-{architecture}" if architecture else name)
    folder.mkdir(parents=True, exist_ok=True)
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(ORIGIN)", "Created-By: Packages"])
    listed = sources(targets, name, KEYRING)
    if not listed:
        raise MachineError("this machine's apt has no source of Debian", "see /etc/apt/sources.list.d")
    report(f"asking the mirror for the packages of {name}" + (f" for {architecture}" if architecture else ""))
    return Archive(folder, listed, architecture)


class Archive:
    """The packages of a sources list; the constructor fetches the package lists into `folder`."""

    def __init__(self, folder: Path, listed: str, architecture: str = "") -> None:
        self._folder = folder
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "sources.list").write_text(listed)
        self._options = [
            *("-o", f"Dir::State={folder}/state"),
            *("-o", f"Dir::Cache={folder}/cache"),
            *("-o", f"Dir::Etc::SourceList={folder}/sources.list"),
            *("-o", "Dir::Etc::SourceParts=/dev/null"),
            *("-o", "Acquire::Languages=none"),
        ]
        if architecture:
            self._options += ["-o", f"APT::Architecture={architecture}", "-o", f"APT::Architectures={architecture}"]
        with self.alone():  # apt fails where another holds its lock
            _run(["apt-get", *self._options, "--error-on=any", "update"])

    def newest(self, flavour: str) -> str:
        """The package of the suite's newest kernel of that flavour."""
        images = self._kernels(f"linux-image-{flavour}")
        if not images:
            raise MachineError(f"the suite has no package linux-image-{flavour}")
        return images[0]

    def versions(self, flavour: str) -> dict[str, str]:
        """Version of the package by its name, of each kernel of that flavour that the suite has."""
        names = _run(["apt-cache", *self._options, "pkgnames", "linux-image-"]).split()
        pattern = re.compile(rf"linux-image-\d[^-]*(-\d+)?-{flavour}")
        named = [name for name in names if pattern.fullmatch(name)]
        if not named:
            return {}
        shown = _run(["apt-cache", *self._options, "show", "--no-all-versions", *named])
        return dict(re.findall(r"^Package: (\S+)\n(?:.+\n)*?Version: (\S+)$", shown, re.M))

    def parts(self, image: str) -> tuple[str, ...]:
        """The packages that a kernel is in."""
        return (image, *self._kernels(image))

    def closure(self, *packages: str) -> tuple[str, ...]:
        """Those packages and all that they depend on, as of a machine that has none."""
        nothing = ("-o", f"Dir::State::Status={os.devnull}", "--no-install-recommends")
        shown = _run(["apt-get", *self._options, *nothing, "--simulate", "install", *packages])
        return tuple(re.findall(r"^Inst (\S+) ", shown, re.M))

    def files(self, packages: Iterable[str]) -> tuple[Remote, ...]:
        """Find the files of those packages, in their order."""
        names = tuple(packages)
        printed = _run(["apt-get", *self._options, "download", "--print-uris", *names])
        found = {each.name.partition("_")[0]: each for each in download.remotes(printed)}
        if set(found) != set(names):
            raise MachineError(f"the mirror does not have {', '.join(names)} with a sum that can be trusted", printed)
        return tuple(found[name] for name in names)

    @contextmanager
    def downloaded(self, files: tuple[Remote, ...], report: Report) -> Iterator[tuple[Path, ...]]:
        """As the archive signed them; gone again after the block.  What was broken off goes on where it was.  For who
        is `alone`."""
        folder = self._folder / "packages"
        yield download.fetch(files, folder, report)
        shutil.rmtree(folder)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Others who want this archive wait."""
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _kernels(self, package: str) -> tuple[str, ...]:
        return kernels_of(_run(["apt-cache", *self._options, "depends", package]))


def _run(argv: list[str]) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        ended = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise MachineError(
            f"{argv[0]} is not there", "kernels of Debian are fetched by apt; name a file instead"
        ) from error
    if ended.returncode:
        raise _failed(argv[0], ended.stderr)
    return ended.stdout


def _failed(program: str, errors: str) -> MachineError:
    lines = [line for line in errors.splitlines() if line.startswith(("E:", "W:", "Err"))]
    hint = "\n".join(lines[-5:]) or errors.strip()[-300:]
    return MachineError(f"{program} failed; is the mirror reachable, and is there such a suite?", hint)
