"""Fedora's builds of its kernel: a folder for each version, in it one for each release, in it one for each machine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from harness.errors import MachineError, UsageError
from harness.kernels import archives, web
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _archive, rpm

SUMMARY = "Fedora's build of a version and release, fetched once; OLD..NEW in a bisect"
EXAMPLES = ("koji:6.3.7-200.fc38", "koji:6.2.9-300.fc38..6.6.9-200.fc39")
_BUILD = r"(\d+\.\d+[\w.~^]*)-(\d[\w.~^]*?)"
_ONE = re.compile(f"koji:{_BUILD}")
_RANGE = re.compile(rf"koji:{_BUILD}\.\.{_BUILD}")
_FOLDER = re.compile(r"\d[\w.~^]*/")
forget = _archive.forget


def claims(spec: str) -> bool:
    return spec.startswith("koji:")


def provide(spec: str, report: Report) -> Image:
    """From the cache where it was fetched before, without a network."""
    return _archive.remembered(spec) or fetch(spec, report)


def fetch(spec: str, report: Report) -> Image:
    """Fetch it anew.

    Raises:
        UsageError: There is no such build, or not for this machine.
        MachineError: The archive cannot be asked, or a package file is damaged.
    """
    match = None if _RANGE.fullmatch(spec) else _ONE.fullmatch(spec)
    if match is None:
        raise UsageError(f"{spec!r} names no build of Fedora's kernel", f"such as {', '.join(EXAMPLES)}")
    version, release, machine = match[1], match[2], os.uname().machine
    report(f"asking the archive for {version}-{release}")
    base = f"{archives.address('koji')}/{version}/{release}/{machine}/"
    try:
        listed = web.links(base)
    except web.MissingError as error:
        raise UsageError(f"Fedora has no kernel {version}-{release} for {machine}") from error
    names = [name for name in rpm.split(f"kernel-core-{version}-{release}.{machine}.rpm") if name in listed]
    if not names:
        raise UsageError(f"the build {version}-{release} has no package kernel-core for {machine}")
    files = tuple(web.WebFile(base + name, name) for name in names)
    return _archive.fetched(spec, files, _checked, report)


def line(spec: str) -> tuple[str, ...]:
    """The builds of a range, in their order: the newest release of each version."""
    match = _RANGE.fullmatch(spec)
    if match is None:
        return (spec,)
    old, new = ((match[first], match[first + 1]) for first in (1, 3))
    address = archives.address("koji")
    found = []
    for version in _folders(f"{address}/"):
        if _archive.natural(old[0]) <= _archive.natural(version) <= _archive.natural(new[0]):
            releases = _folders(f"{address}/{version}/")
            named = [end[1] for end in (old, new) if end[0] == version and end[1] in releases]
            found += [(version, each) for each in named or releases[-1:]]
    if not found:
        raise UsageError(f"Fedora has no kernel from {'-'.join(old)} to {'-'.join(new)}")
    return tuple(f"koji:{version}-{release}" for version, release in dict.fromkeys(found))


def _folders(uri: str) -> list[str]:
    names = [name.removesuffix("/") for name in web.links(uri) if _FOLDER.fullmatch(name)]
    return sorted(names, key=_archive.natural)


def _checked(file: Path, folder: Path) -> None:
    """Compare a package file with its own digests, because the archive publishes no others, and unpack it."""
    argv = ["rpmkeys", "--checksig", "--nosignature", str(file)]
    try:
        ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MachineError("rpmkeys is not there", "install rpm: it checks the package files") from error
    if ended.returncode:
        raise MachineError(f"{file.name} is damaged: {(ended.stdout + ended.stderr).strip()[-200:]}", "fetch it again")
    rpm.extract(file, folder)
