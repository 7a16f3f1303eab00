"""An image as an archive that containerd imports: the root filesystem, with one static program that sleeps.

    python -P -m harness.runtimes.cri.image ROOTFS BUSYBOX NAME ARCHIVE

The sandbox of a pod runs it with nothing mounted, as Kubernetes runs its pause image.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path

PAUSE = "/busybox"
_BLOBS = "blobs/sha256"


def archive(rootfs: bytes, busybox: bytes, name: str, machine: str) -> bytes:
    """The image's archive, in the layout of the OCI image specification.

    Args:
        rootfs: The root filesystem, a tar file.
        busybox: A static program.
        name: The image's whole name, with a tag.
        machine: The processor, by Go's name.
    """
    layer = _with_file(rootfs, PAUSE, busybox)
    config = {
        "architecture": machine,
        "os": "linux",
        "config": {"Entrypoint": [PAUSE, "sleep", "1000000000"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    blobs = [layer, json.dumps(config).encode()]
    kinds = ("application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.config.v1+json")
    of_layer, of_config = (_descriptor(kind, blob) for kind, blob in zip(kinds, blobs, strict=True))
    manifest = json.dumps({"schemaVersion": 2, "config": of_config, "layers": [of_layer]}).encode()
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    entry["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(tar, "index.json", index)
        for blob in (*blobs, manifest):
            _add(tar, f"{_BLOBS}/{hashlib.sha256(blob).hexdigest()}", blob)
    return stream.getvalue()


def go_name(machine: str) -> str:
    """A processor by Go's name, from `uname -m`."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _with_file(tar: bytes, path: str, data: bytes) -> bytes:
    stream = io.BytesIO(tar)
    with tarfile.open(fileobj=stream, mode="a") as added:
        _add(added, path.lstrip("/"), data, 0o755)
    return stream.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _descriptor(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


def main(rootfs: str, busybox: str, name: str, target: str) -> None:
    """Write the archive."""
    data = archive(Path(rootfs).read_bytes(), Path(busybox).read_bytes(), name, go_name(os.uname().machine))
    Path(target).write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
