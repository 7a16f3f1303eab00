"""An image of a container that holds `/boot` and `/lib/modules`: a layout, an archive, or one in a registry.

skopeo reads wherever it lies, umoci applies its layers.
"""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import tarfile
import zlib
from pathlib import Path

from harness.errors import MachineError, UsageError
from harness.kernels import store as kernel_store
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _packages, _root
from harness.kernels.sources._unpack import FILE_BYTES, vet
from harness.record import replace

SUMMARY = "an image of a container with /boot and /lib/modules, as skopeo names it"
EXAMPLES = ("./saved.tar", "oci:./layout:tag", "docker-daemon:image:tag", "docker://registry/image:tag")
_TRANSPORTS = ("oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:", "docker://")


def claims(spec: str) -> bool:
    return spec.startswith(_TRANSPORTS) or _transport(spec) is not None


def _transport(spec: str) -> str | None:
    """Of what is named by its path alone."""
    path = Path(spec)
    if not spec.startswith((".", "/")):
        return None
    if (path / "oci-layout").is_file():
        return "oci"
    if path.is_file() and spec.endswith(".tar"):
        try:
            with tarfile.open(path) as archive:
                return "oci-archive" if "oci-layout" in archive.getnames() else "docker-archive"
        except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError):
            return "docker-archive"  # skopeo says what is wrong with it
    return None


def provide(spec: str, report: Report) -> Image:
    """UsageError for what is no such image, or has no kernel in it."""
    source = spec if spec.startswith(_TRANSPORTS) else f"{_transport(spec)}:{spec}"
    report(f"reading {spec}")
    digest = str(json.loads(_run(["skopeo", "inspect", source]))["Digest"]).rpartition(":")[2]

    def unpack(folder: Path) -> None:
        report(f"unpacking {spec}")
        limited = ("prlimit", f"--fsize={FILE_BYTES}", "--")
        _run([*limited, "skopeo", "copy", "--quiet", source, f"oci:{folder}/layout:kernel"])
        _run([*limited, "umoci", "raw", "unpack", "--rootless", "--image", f"{folder}/layout:kernel", f"{folder}/root"])
        shutil.rmtree(folder / "layout")
        vet(folder / "root", spec)
        _root.complete(_root.located(folder / "root"), spec, "the image must hold both, of one kernel")

    root = _root.located(kernel_store.entry(f"oci-{digest}-{_root.KEPT}", unpack) / "root")
    return replace(_packages.of_root(spec, root, report), digest=digest, package=spec)


def _run(argv: list[str]) -> str:
    try:
        ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MachineError(f"{argv[0]} is not there", "install skopeo and umoci") from error
    if ended.returncode:
        raise UsageError(f"{argv[0]} cannot read that image", ended.stderr.strip()[-300:])
    return ended.stdout
