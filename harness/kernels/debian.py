"""Debian's own kernels: the newest of a suite, through the machine's apt, whatever the machine itself runs."""

from __future__ import annotations

import dataclasses
import json
import platform
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import kernel_store
from harness.errors import UsageError
from harness.image import Image

SUMMARY = "a suite's newest kernel, fetched once"
EXAMPLES = ("debian:bookworm", "debian:sid", "debian:bookworm:cloud-amd64")
_SPEC = re.compile(r"debian:(?P<suite>[a-z][a-z0-9-]*)(:(?P<flavour>[a-z0-9-]+))?")
_FLAVOURS = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "ppc64le": "powerpc64le", "s390x": "s390x"}


def claims(spec: str) -> bool:
    return spec.startswith("debian:")


def provide(spec: str, tell: Callable[[str], None]) -> Image:
    """From the cache where it was fetched before, without a network."""
    return remembered(_known(spec), spec) or fetch(spec, tell)


def _parsed(spec: str) -> tuple[str, str]:
    """Suite and flavour."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise UsageError(f"{spec!r} names no suite", f"such as {', '.join(EXAMPLES)}")
    return match["suite"], match["flavour"] or _FLAVOURS.get(platform.machine(), platform.machine())


def _known(spec: str) -> Path:
    return kernel_store.specs() / ":".join(("debian", *_parsed(spec)))


def fetch(spec: str, tell: Callable[[str], None]) -> Image:
    """What the mirror has now."""
    suite, flavour = _parsed(spec)
    from harness.kernels import _apt, deb

    archive = _apt.Archive(suite, tell)
    packages = archive.kernel(flavour)
    kernel_store.base().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=kernel_store.base()) as name:
        tell(f"fetching {', '.join(packages)}")
        archive.download(packages, Path(name))
        (first, *_) = sorted(Path(name).glob(f"{packages[0]}_*.deb"))
        image = dataclasses.replace(deb.provide(str(first), tell), spec=spec)
    remember(_known(spec), image)
    return image


def remember(known: Path, image: Image) -> None:
    from harness.outputs import replace_file

    known.parent.mkdir(parents=True, exist_ok=True)
    replace_file(known, json.dumps(dataclasses.asdict(image), default=str))


def remembered(known: Path, spec: str) -> Image | None:
    """None where it was not fetched, or what it was unpacked to is gone."""
    try:
        raw: dict[str, Any] = json.loads(known.read_text())
        paths = {name: raw[name] and Path(raw[name]) for name in ("kernel", "vmlinux", "modules", "config")}
        image = Image(**{**raw, **paths, "spec": spec})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
    there = all(path.exists() for path in paths.values() if path)
    return image if there else None
