"""A web server's folder of kernels: package files or images, compared with SHA256SUMS where it is there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote, unquote

from harness.errors import UsageError
from harness.kernels import store as kernel_store
from harness.kernels import web
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _archive, deb, rpm
from harness.kernels.sources.file import of_file

SUMMARY = "a package file or an image on a web server, fetched once; a glob of them in a bisect"
EXAMPLES = (
    "http://127.0.0.1:8000/linux-image-6.3.7_amd64.deb",
    "http://127.0.0.1:8000/bzImage",
    "http://127.0.0.1:8000/linux-image-*.deb",
)
_SUMS = ("SHA256SUMS", "CHECKSUMS")
forget = _archive.forget


def claims(spec: str) -> bool:
    return re.match(r"https?:/", spec) is not None


def provide(spec: str, report: Report) -> Image:
    """From the cache where it was fetched before, without a network."""
    return _archive.remembered(spec) or fetch(spec, report)


def fetch(spec: str, report: Report) -> Image:
    """Fetch it anew.

    Raises:
        UsageError: It is a folder or a glob, or the file is no kernel.
        MachineError: It cannot be fetched, or is not what SHA256SUMS says.
    """
    folder, name = _apart(spec)
    if not name or _is_glob(name):
        raise UsageError(f"{spec} names no file", "a glob goes with bisect --kernels")
    sums = _sums(folder)
    split, extract = _kind(name)
    wanted = [name]
    if len(split) > 1:
        with suppress(web.MissingError):  # a server may show no index
            listed = web.links(folder)
            wanted = [each for each in split if each in listed] or wanted
    files = tuple(_file(folder, each, sums) for each in wanted)
    if extract is not None:
        return _archive.fetched(spec, files, extract, report)
    with _archive.downloaded(spec, files, report) as (path,):
        image = _image(spec, path, report)
    _archive.remember(image)
    return image


def line(spec: str) -> tuple[str, ...]:
    """The files of a glob, sorted by the numbers in their names."""
    folder, name = _apart(spec)
    if not _is_glob(name):
        return (spec,)
    found = [each for each in web.links(folder) if fnmatchcase(each, name)]
    if not found:
        raise UsageError(f"{folder} has no {name}")
    return tuple(folder + quote(each) for each in sorted(found, key=_archive.natural))


def _apart(spec: str) -> tuple[str, str]:
    """The address of the folder, and the name in it."""
    folder, slash, name = spec.rpartition("/")
    return folder + slash, unquote(name)


def _is_glob(name: str) -> bool:
    return any(each in name for each in "*?[")


def _kind(name: str) -> tuple[tuple[str, ...], Callable[[Path, Path], None] | None]:
    """The files that a kernel may be split into, and the function that unpacks them; None for an image."""
    if name.endswith(".deb"):
        return deb.split(name), deb.extract
    if name.endswith(".rpm"):
        return rpm.split(name), rpm.extract
    return (name,), None


def _sums(folder: str) -> dict[str, str]:
    for name in _SUMS:
        with suppress(web.MissingError):
            return web.sums(web.text(folder + name))
    return {}


def _file(folder: str, name: str, sums: dict[str, str]) -> web.WebFile:
    uri = folder + quote(name)
    return web.WebFile(uri, name, "sha256", sums[name]) if name in sums else web.WebFile(uri, name)


def _image(spec: str, path: Path, report: Report) -> Image:
    """The image, kept by its content."""
    digest = of_file(spec, path, None, report).digest

    def keep(folder: Path) -> None:
        shutil.copyfile(path, folder / "vmlinuz")

    return of_file(spec, kernel_store.entry(f"web-{digest}", keep) / "vmlinuz", None, report)
