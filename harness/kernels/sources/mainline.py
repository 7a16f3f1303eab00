"""Ubuntu's builds of mainline: a folder for each version, with package files and CHECKSUMS."""

from __future__ import annotations

import math
import re

from harness.errors import KernelError, UsageError
from harness.kernels import architectures, archives, web
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _archive, deb

SUMMARY = "Ubuntu's build of a mainline version, fetched once; OLD..NEW in a bisect"
EXAMPLES = ("mainline:v6.3", "mainline:v6.6-rc1", "mainline:v6.2..v6.7", "mainline:v6.4..v6.4.16")
_VERSION = re.compile(r"v(\d+)\.(\d+)(?:\.(\d+))?(?:-rc(\d+))?")
_RANGE = re.compile(rf"mainline:({_VERSION.pattern})\.\.({_VERSION.pattern})")
forget = _archive.forget


def claims(spec: str) -> bool:
    return spec.startswith("mainline:")


def provide(spec: str, report: Report) -> Image:
    """From the cache where it was fetched before, without a network."""
    return _archive.remembered(spec) or fetch(spec, report)


def fetch(spec: str, report: Report) -> Image:
    """The archive's present build of that version.

    Raises:
        UsageError: The archive has no such version.
        KernelError: The version did not build there.
        MachineError: The archive cannot be asked.
    """
    version = spec.removeprefix("mainline:")
    if not _VERSION.fullmatch(version):
        raise UsageError(f"{spec!r} names no version of mainline", f"such as {', '.join(EXAMPLES)}")
    own = architectures.own()
    if own is None:
        raise UsageError("Ubuntu builds no mainline kernel for this machine")
    report(f"asking the archive for {version}")
    return _archive.fetched(spec, _files(version, str(own.DEBIAN)), deb.extract, report)


def line(spec: str) -> tuple[str, ...]:
    """The versions of a range: of one stable series where NEW is one of its releases, else those of mainline."""
    match = _RANGE.fullmatch(spec)
    if match is None:
        return (spec,)
    old, new = _key(match[1]), _key(match[6])
    stable = old[:2] == new[:2] and new[2] > 0
    listed = (name.removesuffix("/") for name in web.links(f"{archives.address('mainline')}/"))
    versions = [name for name in listed if _VERSION.fullmatch(name) and old <= _key(name) <= new]
    found = [name for name in versions if stable or _key(name)[2] == 0 or name in (match[1], match[6])]
    if not found:
        raise UsageError(f"the archive has no version from {match[1]} to {match[6]}")
    return tuple(f"mainline:{name}" for name in sorted(found, key=_key))


def _key(version: str) -> tuple[int, int, int, float]:
    """The order of versions; a release candidate comes before its release."""
    match = _VERSION.fullmatch(version)
    assert match is not None
    return int(match[1]), int(match[2]), int(match[3] or 0), float(match[4] or math.inf)


def _files(version: str, architecture: str) -> tuple[web.WebFile, ...]:
    """The newer layout has a folder for each architecture, the older one has all of them beside each other."""
    base = f"{archives.address('mainline')}/{version}/"
    for folder in (f"{base}{architecture}/", base):
        try:
            sums = web.sums(web.text(f"{folder}CHECKSUMS"))
        except web.MissingError:
            continue
        part = re.compile(
            rf"linux-(image(?:-unsigned)?|modules(?:-extra)?)-[^_/]+-generic_[^_/]+_{re.escape(architecture)}\.deb"
        )
        names = sorted(name for name in sums if part.fullmatch(name))  # the image comes first
        if not names or not names[0].startswith("linux-image"):
            raise KernelError(f"Ubuntu has no image of {version} for {architecture}: its build failed there")
        return tuple(web.WebFile(folder + name, name, "sha256", sums[name]) for name in names)
    if f"{version}/" in web.links(f"{archives.address('mainline')}/"):
        raise KernelError(f"Ubuntu has no checksums of {version}: its build failed there, or is under way")
    raise UsageError(f"the archive has no {version}", "mainline:OLD..NEW names versions that it has")
