"""Every kernel that Debian ever had: its archive of archives, by that server's JSON interface."""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import Any
from urllib.parse import quote

from harness.errors import MachineError, UsageError
from harness.kernels import apt, architectures, archives, web
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _archive, deb
from harness.model import bounded_json

SUMMARY = "any kernel that Debian ever had, by the version of the package, fetched once; OLD..NEW in a bisect"
EXAMPLES = ("snapshot:6.3.7-1", "snapshot:6.1.20-1:cloud-amd64", "snapshot:6.1.20-1..6.6.9-1")
_SPEC = re.compile(
    r"snapshot:(?P<version>[0-9][\w.+~-]*?)(?:\.\.(?P<new>[0-9][\w.+~-]*))?(?::(?P<flavour>[a-z0-9-]+))?"
)
_KINDS = ("image", "binary", "modules", "base")
"""The packages that a kernel is split into, since 7.2."""
forget = _archive.forget


def claims(spec: str) -> bool:
    return spec.startswith("snapshot:")


def provide(spec: str, report: Report) -> Image:
    """From the cache where it was fetched before, without a network."""
    return _archive.remembered(spec) or fetch(spec, report)


def fetch(spec: str, report: Report) -> Image:
    """Fetch it anew.

    Raises:
        UsageError: Debian never had that version, or not with that flavour.
        MachineError: The archive cannot be asked, or its answer is no index.
    """
    version, new, flavour = _parsed(spec)
    if new:
        raise UsageError(f"{spec} is a range", "a range goes with bisect --kernels")
    report(f"asking the archive for {version}")
    try:
        packages = _entries(f"/mr/package/linux/{quote(version)}/binpackages", "name")
    except web.MissingError as error:
        raise UsageError(f"Debian never had linux {version}", "snapshot:OLD..NEW names versions that it had") from error
    files = tuple(_file(name, version, flavour) for name in parts(packages, flavour))
    if not files:
        raise UsageError(f"linux {version} has no kernel of flavour {flavour}")
    return _archive.fetched(spec, files, deb.extract, report)


def line(spec: str) -> tuple[str, ...]:
    """The versions of a range, in Debian's order."""
    old, new, flavour = _parsed(spec)
    if not new:
        return (spec,)
    versions = _entries("/mr/package/linux/", "version")
    found = [each for each in versions if not apt.newer(old, each) and not apt.newer(each, new)]
    if not found:
        raise UsageError(f"Debian had no linux from {old} to {new}")
    return tuple(f"snapshot:{each}:{flavour}" for each in sorted(found, key=cmp_to_key(_compared)))


def _compared(one: str, other: str) -> int:
    return 1 if apt.newer(one, other) else -1


def parts(packages: tuple[str, ...], flavour: str) -> tuple[str, ...]:
    """Choose the packages of a kernel.

    Args:
        packages: The names of all binary packages of a version.
        flavour: Such as `amd64` or `cloud-amd64`.

    Returns:
        Their names, the one with the image first; empty where there is no kernel of that flavour.
    """
    name = re.compile(rf"linux-image-(\d[^-]*(?:-(?:rc)?\d[^-]*)?-{re.escape(flavour)})(?:-unsigned)?")
    found = {match[1]: match[0] for each in sorted(packages) if (match := name.fullmatch(each))}
    if not found:
        return ()
    release = max(found, key=_archive.natural)
    names = (found[release], *(f"linux-{kind}-{release}" for kind in _KINDS[1:]))
    return tuple(each for each in names if each in packages)


def _parsed(spec: str) -> tuple[str, str, str]:
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise UsageError(f"{spec!r} names no version of Debian's linux", f"such as {', '.join(EXAMPLES)}")
    own = architectures.own()
    flavour = match["flavour"] or (str(own.DEBIAN) if own else "")
    return match["version"], match["new"] or "", flavour


def _file(package: str, version: str, flavour: str) -> web.WebFile:
    architecture = flavour.rpartition("-")[2]
    path = f"/mr/binary/{quote(package)}/{quote(version)}/binfiles"
    for each in _answer(path):
        digest = each.get("hash")
        if each.get("architecture") == architecture and re.fullmatch("[0-9a-f]{40}", str(digest)):
            # The address itself is the SHA-1 of the file.
            uri = f"{archives.address('snapshot')}/file/{digest}"
            return web.WebFile(uri, f"{package}_{version}_{architecture}.deb", "sha1", str(digest))
    raise UsageError(f"{package} {version} was not built for {architecture}")


def _entries(path: str, field: str) -> tuple[str, ...]:
    """One field of each entry; what is no name of a package or a version is left out."""
    names = (str(each.get(field, "")) for each in _answer(path))
    return tuple(dict.fromkeys(name for name in names if re.fullmatch(r"[\w.+~:-]+", name)))


def _answer(path: str) -> list[dict[str, Any]]:
    uri = f"{archives.address('snapshot')}{path}"
    try:
        answer = bounded_json.parse(web.text(uri).encode(), web.MOST_TEXT)
    except ValueError as error:
        raise MachineError(f"{uri} is no index: {error}") from error
    listed = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise MachineError(f"{uri} is no index: it has no list of results")
    return listed
