"""Debian's own kernels: the newest of a suite or a version, through the machine's apt, whatever that runs itself."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import MachineError, UsageError
from harness.kernels import architectures
from harness.kernels import store as kernel_store
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _root

if TYPE_CHECKING:
    from harness.kernels.apt import Archive

SUMMARY = "the newest kernel of a suite, or of a version (a glob), fetched once"
EXAMPLES = (
    "debian:bookworm",
    "debian:sid",
    "debian:6.1.*",
    "debian:6.12.117",
    "debian:bookworm:cloud-amd64",
    "debian:sid:arm64",
)
SUITES = ("sid", "forky", "trixie", "bookworm", "bullseye")
"""Suites in which a version is looked for: of two that fit, the newer wins, wherever it is.  A mirror may lack some."""
_SPEC = re.compile(r"debian:(?P<suite>[a-z][a-z0-9-]*|[0-9][A-Za-z0-9.+~*?\[\]-]*)(:(?P<flavour>[a-z0-9-]+))?")


def claims(spec: str) -> bool:
    return spec.startswith("debian:")


def provide(spec: str, report: Report) -> Image:
    """From the cache where it was fetched before, without a network."""
    return remembered(_known(spec), spec) or fetch(spec, report)


def _parsed(spec: str) -> tuple[str, str]:
    """Suite or version, and flavour."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise UsageError(f"{spec!r} names no suite and no version", f"such as {', '.join(EXAMPLES)}")
    return match["suite"], match["flavour"] or _own_flavour()


def _own_flavour() -> str:
    own = architectures.own()
    return os.uname().machine if own is None else str(own.DEBIAN)


def _elsewhere(flavour: str) -> str:
    """The architecture of that flavour, by Debian's name; empty where it is this machine's, or not known here."""
    own = architectures.own()
    named = flavour.rpartition("-")[2]
    return named if named in architectures.debian_names() and (own is None or named != own.DEBIAN) else ""


def _known(spec: str) -> Path:
    return kernel_store.specs() / ":".join(("debian", *_parsed(spec)))


def fetch(spec: str, report: Report) -> Image:
    """The versions that the mirror has now."""
    name, flavour = _parsed(spec)
    from harness.kernels import apt
    from harness.kernels.sources import _packages, deb

    if name[0].isdigit():
        archive, package = _of_version(name, flavour, report)
    else:
        archive = apt.suite(name, report, _elsewhere(flavour))
        package = archive.newest(flavour)
    files = archive.files(archive.parts(package))
    with archive.alone():
        image = _packages.unpacked(spec, files[0].package, (each.sha256 for each in files), report)
        if image is None:
            with archive.downloaded(files, report) as paths:
                image = _packages.image_of(spec, files[0].package, paths, deb.extract, report)
    remember(_known(spec), image)
    return image


def _of_version(wanted: str, flavour: str, report: Report) -> tuple[Archive, str]:
    """UsageError names those that there are, where none fits; the error of the last suite, where none could be read."""
    from harness.kernels import apt

    best: tuple[Archive, str, str] | None = None
    others: list[str] = []
    failure: MachineError | None = None
    for suite in SUITES:
        try:
            archive = apt.suite(suite, report, _elsewhere(flavour))
        except MachineError as error:
            failure = error
            continue
        for package, version in archive.versions(flavour).items():
            if not fits(wanted, package, version, flavour):
                others.append(version)
            elif best is None or apt.newer(version, best[2]):
                best = (archive, package, version)
    if best is not None:
        return best[:2]
    if failure is not None and not others:
        raise failure
    raise UsageError(f"no suite has a kernel {wanted} ({flavour})", f"there are: {', '.join(sorted(set(others)))}")


def fits(wanted: str, package: str, version: str, flavour: str) -> bool:
    """`6.1`, `6.1.192`, `6.1.0-56`, `6.12.*`: of the release that the package is named after, or of its version; and
    what is no glob may be continued after a dot or a hyphen."""
    release = package.removeprefix("linux-image-").removesuffix(f"-{flavour}")
    globs = (wanted, f"{wanted}.*", f"{wanted}-*", f"{wanted}+*")
    return any(fnmatchcase(name, glob) for name in (release, version) for glob in globs)


def remember(known: Path, image: Image) -> None:
    from harness.files import replace_file

    known.parent.mkdir(parents=True, exist_ok=True)
    replace_file(known, json.dumps({**dataclasses.asdict(image), "kept": _root.KEPT}, default=str))


def forget(spec: str) -> int:
    """The bytes that are free again; UsageError where it was not fetched."""
    image = remembered(_known(spec), spec)
    if image is None:
        raise UsageError(f"{spec} was not fetched", "`fusezap kernels` lists what was")
    _known(spec).unlink()
    return kernel_store.forget(image.kernel, image.vmlinux, image.modules)


def remembered(known: Path, spec: str) -> Image | None:
    """None where it was not fetched, or what it was unpacked to is gone or is not what a run needs by now."""
    try:
        raw: dict[str, Any] = json.loads(known.read_text())
        if raw.pop("kept") != _root.KEPT:
            return None
        paths = {name: raw[name] and Path(raw[name]) for name in ("kernel", "vmlinux", "modules", "config")}
        image = Image(**{**raw, **paths, "spec": spec})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    there = all(path.exists() for path in paths.values() if path)
    return image if there else None
