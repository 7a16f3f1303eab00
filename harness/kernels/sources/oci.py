"""An image of a container that holds `/boot` and `/lib/modules`: a layout, an archive, or one in a registry.

skopeo reads wherever it lies, umoci applies its layers.
"""

from __future__ import annotations

import json
import lzma
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

from harness.errors import MachineError, UsageError
from harness.kernels import store as kernel_store
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.kernels.sources import _packages, _root
from harness.kernels.sources._unpack import FILE_BYTES, excess, vet
from harness.linux.polling import poll
from harness.model.printable import visible
from harness.record import replace

SUMMARY = "an image of a container with /boot and /lib/modules, as skopeo names it"
EXAMPLES = ("./saved.tar", "oci:./layout:tag", "docker-daemon:image:tag", "docker://registry/image:tag")
_TRANSPORTS = ("oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "containers-storage:", "docker://")
_LOOK_EVERY_S = 0.5


def claims(spec: str) -> bool:
    return spec.startswith(_TRANSPORTS) or _transport(spec) is not None


def _transport(spec: str) -> str | None:
    """The media type of what is named by its path alone."""
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
        copy = ("skopeo", "copy", "--quiet", source, f"oci:{folder}/layout:kernel")
        layers = ("umoci", "raw", "unpack", "--rootless", "--image", f"{folder}/layout:kernel", f"{folder}/root")
        for argv in (copy, layers):
            _run([*limited, *argv], folder)
        shutil.rmtree(folder / "layout")
        vet(folder / "root", spec)
        _root.complete(_root.located(folder / "root"), spec, "the image must hold both, of one kernel")

    root = _root.located(kernel_store.entry(f"oci-{digest}-{_root.KEPT}", unpack) / "root")
    return replace(_packages.of_root(spec, root, report), digest=digest, package=spec)


def _run(argv: list[str], grows: Path | None = None) -> str:
    """Run a program; `grows`: the folder that it fills, which is watched, for its limit is on single files alone."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        except FileNotFoundError as error:
            raise MachineError(f"{argv[0]} is not there", "install skopeo and umoci") from error
        try:
            while not poll(_LOOK_EVERY_S, lambda: program.poll() is not None, _LOOK_EVERY_S / 10):
                if grows is not None and (why := excess(grows)):
                    raise UsageError(f"that image {why}", "it is not unpacked")
        finally:
            program.kill()
            program.wait()
        output.seek(0)
        errors.seek(0)
        if program.returncode:
            tool = next(each for each in argv if each in ("skopeo", "umoci"))
            raise UsageError(f"{tool} cannot read that image", visible(errors.read().decode(errors="replace"))[-300:])
        return output.read().decode(errors="replace")
